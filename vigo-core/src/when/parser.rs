//! Tokens → tree.
//!
//! ```text
//! expr    = and { "||" and } ;     and = unary { "&&" unary } ;     unary = "!" unary | primary ;
//! primary = "(" expr ")" | "true" | "false" | template | name [ "(" [ arg { "," arg } ] ")" ] ;
//! arg     = string | integer | template ;
//! ```

use super::builtin::{Builtin, builtins};
use super::check;
use super::error::{WhenError, WhenErrorKind};
use super::expr::{Arg, ArgValue, Call, Expr, Place};
use super::lexer::{Kind, Lexer, Token};
use crate::limits::{
    WHEN_BUNDLE_BYTES_MAX, WHEN_BUNDLE_CALLS_MAX, WHEN_BUNDLE_LEVELS_MAX, WHEN_BYTES_MAX, WHEN_CALLS_MAX,
    WHEN_LEVELS_MAX,
};
use alloc::format;
use alloc::sync::Arc;
use alloc::vec::Vec;

/// Where an expression stands; decides what it may say.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Context {
    /// A resource's `when:`.
    Resource,
    /// A crate's `when:`: no `changed`.
    Gate,
    /// The `when:` of an arm of a resource's `case`: no `changed`.
    Arm,
    /// The `when:` of an arm of a role's `case`: `environment`, `hostname_match` and trait builtins.
    RoleArm,
    /// An expression that a server folded: no templates (`{{` in a string is text), nothing that only a server knows.
    Bundle,
}

impl Context {
    /// Returns most bytes, levels and calls.
    const fn limits(self) -> (usize, usize, usize) {
        match self {
            Self::Bundle => (WHEN_BUNDLE_BYTES_MAX, WHEN_BUNDLE_LEVELS_MAX, WHEN_BUNDLE_CALLS_MAX),
            _ => (WHEN_BYTES_MAX, WHEN_LEVELS_MAX, WHEN_CALLS_MAX),
        }
    }
}

impl Expr {
    /// Reads and checks an expression. Arguments with templates in them are checked by [`Expr::render`].
    ///
    /// # Errors
    /// The first mistake in the syntax, or every mistake in what it says.
    pub fn parse(text: &str, context: Context) -> Result<Self, Vec<WhenError>> {
        let (bytes_max, levels_max, calls_max) = context.limits();
        if text.len() > bytes_max {
            let message = format!("the expression has {} bytes, expected at most {bytes_max}", text.len());
            return Err(alloc::vec![WhenError::new(0, 0, message)]);
        }
        let mut lexer = Lexer::new(text, context != Context::Bundle);
        let mut errors = Vec::new();
        let parsed = lexer.next().and_then(|token| {
            Parser { lexer, token, levels: 0, levels_max, calls: 0, calls_max, errors: &mut errors }.whole()
        });
        match parsed {
            Ok(expr) => {
                check::place(&expr, context, &mut errors);
                check::args(&expr, &mut errors);
                errors.sort_by_key(|e| e.at);
                if errors.is_empty() { Ok(expr) } else { Err(errors) }
            }
            Err(error) => {
                errors.push(error);
                Err(errors)
            }
        }
    }
}

struct Parser<'a, 'e> {
    lexer: Lexer<'a>,
    token: Token,
    levels: usize,
    levels_max: usize,
    calls: usize,
    calls_max: usize,
    errors: &'e mut Vec<WhenError>,
}

impl Parser<'_, '_> {
    fn whole(mut self) -> Result<Expr, WhenError> {
        let expr = self.expr()?;
        match &self.token.kind {
            Kind::End => Ok(expr),
            found => {
                let error =
                    self.token.place.error(format!("expected `&&`, `||` or the end, found {}", found.describe()));
                Err(match found {
                    Kind::Name(name) if name.eq_ignore_ascii_case("and") => error.help("write `&&`"),
                    Kind::Name(name) if name.eq_ignore_ascii_case("or") => error.help("write `||`"),
                    _ => error,
                })
            }
        }
    }

    fn advance(&mut self) -> Result<Token, WhenError> {
        let next = self.lexer.next()?;
        Ok(core::mem::replace(&mut self.token, next))
    }

    fn deeper(&mut self) -> Result<(), WhenError> {
        self.levels += 1;
        if self.levels > self.levels_max {
            return Err(self.token.place.error(format!("expected at most {} levels of `!` and `(`", self.levels_max)));
        }
        Ok(())
    }

    fn expr(&mut self) -> Result<Expr, WhenError> {
        let mut all = alloc::vec![self.conjunction()?];
        while matches!(self.token.kind, Kind::Or) {
            self.advance()?;
            all.push(self.conjunction()?);
        }
        Ok(flat(all, |e| if let Expr::Or(inner) = e { Some(inner) } else { None }, Expr::Or))
    }

    fn conjunction(&mut self) -> Result<Expr, WhenError> {
        let mut all = alloc::vec![self.unary()?];
        while matches!(self.token.kind, Kind::And) {
            self.advance()?;
            all.push(self.unary()?);
        }
        Ok(flat(all, |e| if let Expr::And(inner) = e { Some(inner) } else { None }, Expr::And))
    }

    fn unary(&mut self) -> Result<Expr, WhenError> {
        if !matches!(self.token.kind, Kind::Not) {
            return self.primary();
        }
        self.deeper()?;
        self.advance()?;
        let inner = self.unary()?;
        self.levels -= 1;
        Ok(Expr::Not(Arc::new(inner)))
    }

    fn primary(&mut self) -> Result<Expr, WhenError> {
        match &self.token.kind {
            Kind::Open => {
                let open = self.token.place;
                self.deeper()?;
                self.advance()?;
                let inner = self.expr()?;
                self.levels -= 1;
                if !matches!(self.token.kind, Kind::Close) {
                    return Err(self.unclosed(open, "`&&`, `||` or `)`"));
                }
                self.advance()?;
                Ok(inner)
            }
            Kind::Template(template) => {
                let operand = Expr::Template(template.clone());
                self.advance()?;
                Ok(operand)
            }
            Kind::Name(_) => self.named(),
            Kind::Text(_) | Kind::Int(_) => {
                let found = self.token.kind.describe();
                Err(self
                    .token
                    .place
                    .error(format!("expected a condition, found {found}"))
                    .help("give it to a function, such as os_family('debian')"))
            }
            found => Err(self.token.place.error(format!("expected a condition, found {}", found.describe()))),
        }
    }

    fn named(&mut self) -> Result<Expr, WhenError> {
        let Token { kind: Kind::Name(name), place } = self.advance()? else { return Ok(Expr::False) };
        if name.eq_ignore_ascii_case("not") {
            return Err(place
                .error(format!("unknown condition `{name}`"))
                .of_kind(WhenErrorKind::Name)
                .help("write `!`"));
        }
        let open = self.token.place;
        let mut args = Vec::new();
        let mut end = place;
        let called = matches!(self.token.kind, Kind::Open);
        if called {
            self.advance()?;
            if !matches!(self.token.kind, Kind::Close) {
                args.push(self.arg()?);
                while matches!(self.token.kind, Kind::Comma) {
                    self.advance()?;
                    args.push(self.arg()?);
                }
            }
            if !matches!(self.token.kind, Kind::Close) {
                return Err(self.unclosed(open, "`,` or `)`"));
            }
            end = self.advance()?.place;
        }
        match name.as_str() {
            "true" if !called => return Ok(Expr::True),
            "false" if !called => return Ok(Expr::False),
            _ => {}
        }
        self.calls += 1;
        if self.calls > self.calls_max {
            return Err(place.error(format!("expected at most {} functions", self.calls_max)));
        }
        let whole = Place::new(place.at as usize, (end.at + end.len) as usize);
        match Builtin::find(&name) {
            Some(builtin) => Ok(Expr::Call(Arc::new(Call { builtin, args, place: whole }))),
            None => {
                let known = builtins().iter().map(|b| b.name).chain(["true", "false"]);
                let error = place
                    .error(format!("unknown condition `{name}`"))
                    .of_kind(WhenErrorKind::Name)
                    .did_you_mean(&name, known);
                self.errors.push(error);
                // Stands for it while the rest is read; the error keeps it from getting out.
                Ok(Expr::False)
            }
        }
    }

    fn arg(&mut self) -> Result<Arg, WhenError> {
        let place = self.token.place;
        let value = match &self.token.kind {
            Kind::Text(value) => value.clone(),
            Kind::Int(n) => ArgValue::Int(*n),
            Kind::Template(template) => ArgValue::Template(template.clone()),
            Kind::Name(name) => {
                let quoted = format!("put it in quotes: '{name}'");
                return Err(place.error(format!("expected a string or a number, found `{name}`")).help(quoted));
            }
            found => return Err(place.error(format!("expected a string or a number, found {}", found.describe()))),
        };
        self.advance()?;
        Ok(Arg { value, place })
    }

    fn unclosed(&self, open: Place, expected: &str) -> WhenError {
        match &self.token.kind {
            Kind::End => open.error("the parenthesis has no end").help("close it with `)`"),
            found => self.token.place.error(format!("expected {expected}, found {}", found.describe())),
        }
    }
}

/// Returns the only operand, or `build` of all with those of the same kind taken apart.
fn flat(mut all: Vec<Expr>, same: fn(&Expr) -> Option<&Arc<[Expr]>>, build: fn(Arc<[Expr]>) -> Expr) -> Expr {
    if all.len() == 1 {
        return all.swap_remove(0);
    }
    let mut operands = Vec::with_capacity(all.len());
    for operand in all {
        match same(&operand) {
            Some(inner) => operands.extend(inner.iter().cloned()),
            None => operands.push(operand),
        }
    }
    build(operands.into())
}
