"""`make deploy`: an application onto AWS, after a look at what a first deploy stumbles on."""
