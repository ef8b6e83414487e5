"""Tables as people bring them: what each column holds, or a sentence that says what to do."""
