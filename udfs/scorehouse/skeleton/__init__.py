"""The files of a new data product, one folder of templates an entity."""
