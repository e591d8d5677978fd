"""Published figures, and ours from the same outputs: `python -m tests.weigh.published` prints them side by side."""
