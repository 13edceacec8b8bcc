"""sources -> problems: hub, files, procedural; gold check, exact dedupe, decontamination."""
