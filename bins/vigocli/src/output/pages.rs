//! The explanations of the codes, as the guide has them.

use vigo_core::diagnostic::Code;

macro_rules! pages {
    ($($code:ident)*) => {
        const PAGES: &[(&str, &str)] =
            &[$((stringify!($code), include_str!(concat!("../../../../docs/src/diagnostics/", stringify!($code), ".md")))),*];
    };
}

pages! {
    E0100 E0101 E0102 E0103 E0104 E0105 E0106 E0107 E0108 E0109 E0110 E0111
    E0112 E0113 E0114 E0115 E0116 E0117 E0118 W0150 W0151 W0152 W0153 E0200
    E0201 E0202 E0203 E0204 E0205 E0206 E0207 E0208 E0209 W0250 E0300 E0301
    E0302 E0303 E0400 E0401 E0500 E0501 E0502 E0503 E0504 E0505 W0506 E0507
    W0551 E0600 E0601 E0602 E0700 E0800
}

/// Returns the page of a code.
pub(crate) fn page(code: Code) -> &'static str {
    let name = code.to_string();
    PAGES.iter().find(|(code, _)| *code == name).map_or("", |(_, page)| page)
}

/// Returns the first paragraph of it, in one line.
pub(crate) fn meaning(code: Code) -> String {
    page(code).split("\n\n").nth(1).unwrap_or_default().replace('\n', " ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_is_explained() {
        assert_eq!(PAGES.len(), Code::ALL.len());
        for code in Code::ALL {
            assert!(page(*code).starts_with(&format!("# {code}: ")) && meaning(*code).len() > 20, "{code}");
        }
    }
}
