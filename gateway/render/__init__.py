"""Settings become files a sysadmin recognises, and a plan says what a change of them would do."""
