//! Text in CSV files, which spreadsheets must not evaluate.
//!
//! An apostrophe goes before each `=`, `+`, `-` or `@` (also full-width) that could begin a cell: at the start of the
//! text and after each semicolon, tab and line break in it, at which some spreadsheets split a row whatever its quotes
//! say. Spaces, invisible characters and quotes in between do not protect, because spreadsheets drop them. A text that
//! begins with a tab or a line break gets an apostrophe there too. All other text stays as it is, and numbers are
//! never passed through here. NDJSON has the exact text; `frontend/src/lib/csv.ts` follows the same rules.

/// Returns the text so that no spreadsheet evaluates it or a part of it.
pub fn harmless(text: &str) -> String {
    let mut safe = String::with_capacity(text.len() + 1);
    if text.starts_with(['\t', '\r', '\n']) {
        safe.push('\'');
    }
    let mut begins_cell = true;
    for character in text.chars() {
        if begins_cell && begins_formula(character) {
            safe.push('\'');
        }
        safe.push(character);
        begins_cell = ends_cell(character) || (begins_cell && is_dropped(character));
    }
    safe
}

fn begins_formula(character: char) -> bool {
    matches!(character, '=' | '+' | '-' | '@' | '＝' | '＋' | '－' | '＠')
}

/// Returns whether some spreadsheet may end a cell here.
fn ends_cell(character: char) -> bool {
    matches!(character, ';' | '\t' | '\r' | '\n')
}

/// Returns whether a spreadsheet may drop the character at the start of a cell: white space, controls, quotes, and
/// characters without width.
fn is_dropped(character: char) -> bool {
    character.is_whitespace()
        || character.is_control()
        || matches!(
            character,
            '"' | '\u{ad}'
                | '\u{61c}'
                | '\u{180e}'
                | '\u{200b}'..='\u{200f}'
                | '\u{202a}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}'
                | '\u{feff}'
        )
}

#[cfg(test)]
mod tests {
    use super::harmless;

    #[test]
    fn no_part_of_a_text_becomes_a_formula_however_a_spreadsheet_splits_it() {
        let check = |text: &str, written: &str| assert_eq!(harmless(text), written, "{text:?}");
        for sign in ['=', '+', '-', '@', '＝', '＋', '－', '＠'] {
            check(&format!("{sign}1"), &format!("'{sign}1"));
        }
        check("=HYPERLINK(\"http://evil\")", "'=HYPERLINK(\"http://evil\")");
        check("hello;=cmd|'/C calc'!A0", "hello;'=cmd|'/C calc'!A0");
        check("hello; \"=1\"", "hello; \"'=1\"");
        check("hello\n@you", "hello\n'@you");
        check("hello\t+1", "hello\t'+1");
        check(" =1", " '=1");
        for unseen in ['\u{a0}', '\u{200b}', '\u{2060}', '\u{feff}', '\u{202e}', '\u{3000}', '\u{1}'] {
            check(&format!("{unseen}=1"), &format!("{unseen}'=1"));
        }
        check("\t=1", "'\t'=1");
        check("\rtext", "'\rtext");
        check("\n=1", "'\n'=1");
    }

    #[test]
    fn other_text_stays_as_it_is() {
        for text in
            ["", "a=1", "a, -5", "two\nlines", "well-known; yes", "it's 5 - 3 = 2", "Solo; Duo", "'=1", "  "]
        {
            assert_eq!(harmless(text), text);
        }
    }
}
