//! Builds HTML and escapes all text.

/// HTML under construction. Markup is part of this program; all other text enters it escaped, so what strangers wrote
/// can never become markup.
#[derive(Debug, Default)]
pub struct Html(String);

impl Html {
    /// Appends markup.
    pub fn markup(&mut self, markup: &'static str) -> &mut Self {
        self.0.push_str(markup);
        self
    }

    /// Appends text or the value of a quoted attribute.
    pub fn text(&mut self, text: &str) -> &mut Self {
        for c in text.chars() {
            match c {
                '&' => self.0.push_str("&amp;"),
                '<' => self.0.push_str("&lt;"),
                '>' => self.0.push_str("&gt;"),
                '"' => self.0.push_str("&quot;"),
                '\'' => self.0.push_str("&#39;"),
                c => self.0.push(c),
            }
        }
        self
    }

    /// Appends a length or coordinate, with one decimal.
    pub fn number(&mut self, number: f64) -> &mut Self {
        self.0.push_str(&format!("{number:.1}"));
        self
    }

    /// Returns the document.
    pub fn finish(self) -> String {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_never_becomes_markup_or_ends_an_attribute() {
        let mut html = Html::default();
        html.markup("<a href=\"").text("\" onclick='x' &").markup("\">").text("<script>").markup("</a>");
        let expected = "<a href=\"&quot; onclick=&#39;x&#39; &amp;\">&lt;script&gt;</a>";
        assert_eq!(html.finish(), expected);
    }
}
