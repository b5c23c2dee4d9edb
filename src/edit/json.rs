//! Where values stand in a JSON text, so that it is kept byte for byte around an insertion.

/// Just enough of a JSON reader to know where values stand. The text is known to be valid JSON.
pub struct Scanner<'t> {
    pub text: &'t str,
    pub at: usize,
}

impl Scanner<'_> {
    pub fn byte(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    pub fn skip_space(&mut self) {
        while self.byte().is_some_and(|byte| byte.is_ascii_whitespace()) {
            self.at += 1;
        }
    }

    /// In the object that starts here: where the key's value stands.
    pub fn value_of_key(&mut self, key: &str) -> Option<usize> {
        self.skip_space();
        self.byte().filter(|byte| *byte == b'{')?;
        self.at += 1;
        loop {
            self.skip_space();
            if self.byte()? == b'}' {
                return None;
            }
            let start = self.at;
            self.skip_value()?;
            let found = self.text[start..self.at] == format!("\"{key}\"");
            self.skip_space();
            self.at += 1;
            self.skip_space();
            if found {
                return Some(self.at);
            }
            self.skip_value()?;
            self.skip_space();
            if self.byte()? == b',' {
                self.at += 1;
            }
        }
    }

    /// In the array that starts here: goes to an item.
    pub fn enter_item(&mut self, index: usize) -> Option<()> {
        self.byte().filter(|byte| *byte == b'[')?;
        self.at += 1;
        for _ in 0..index {
            self.skip_space();
            self.skip_value()?;
            self.skip_space();
            self.at += 1;
        }
        self.skip_space();
        Some(())
    }

    pub fn skip_value(&mut self) -> Option<()> {
        let mut depth = 0usize;
        loop {
            match self.byte()? {
                b'"' => {
                    self.at += 1;
                    while self.byte()? != b'"' {
                        self.at += if self.byte()? == b'\\' { 2 } else { 1 };
                    }
                    self.at += 1;
                }
                b'{' | b'[' => {
                    depth += 1;
                    self.at += 1;
                }
                b'}' | b']' => {
                    depth = depth.checked_sub(1)?;
                    self.at += 1;
                }
                _ if depth == 0 => {
                    while self
                        .byte()
                        .is_some_and(|byte| !b",]}: \t\r\n".contains(&byte))
                    {
                        self.at += 1;
                    }
                }
                _ => {
                    self.at += 1;
                    continue;
                }
            }
            if depth == 0 {
                return Some(());
            }
        }
    }
}
