"""What the command needs of the machine: threads, open files, secrets, git, addresses."""
