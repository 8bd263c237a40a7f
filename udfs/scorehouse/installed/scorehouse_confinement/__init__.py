"""Confines every dbt command on a Scorehouse project by the kernel; installed beside dbt, so that no branch can change it.

`start` is reached by every Python of this environment (by a .pth file) and waits for dbt; `confinement` decides what a command
may do; `landlock` and `system_calls` ask the kernel for it. Nothing here imports anything of the project.
"""
