"""What is known of providers, prices and local models: data files and pure rules."""
