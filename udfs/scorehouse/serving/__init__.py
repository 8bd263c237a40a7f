"""What applications and BI read: self-contained files of tables with keys, and what these say of themselves."""
