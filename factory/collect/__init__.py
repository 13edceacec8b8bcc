"""sources -> problems: Hugging Face, files, procedural; gold check, exact dedupe, decontamination."""
