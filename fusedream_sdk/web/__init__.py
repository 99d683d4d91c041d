"""The page in a browser: what it does, without a browser, in all files but those that say so; and the page itself."""
