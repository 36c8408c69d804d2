//! The line to the servers.

use crate::identity::Identity;
use crate::net::{Anchor, ClientIdentity, Dialer, NetError, Session, TrustAnchors};
use crate::output::shown;
use std::sync::Arc;
use std::time::Duration;
use vigo_core::agent::Response;
use vigo_core::entropy::Entropy;
use vigo_core::secret::{OpeningKey, Withheld};
use vigo_core::time::Timestamp;
use vigo_core::wire::message::{
    Answer, Await, Awaited, CheckIn, Enrol, Enrolled, GetKeySet, KeySetAnswer, OrderResult, OrderTaken,
    RenewCertificate, Renewed, Report, ReportTaken, ResolveSecrets, SealedSecret, SealedSecrets, TraitsDelta,
    TraitsTaken,
};
use vigo_core::wire::{Channel, Message, Reply};

/// How long a server is told good-bye.
const CLOSE_MAX: Duration = Duration::from_secs(1);

/// A question, complete: what an agent asks, with what its driver fills in.
#[expect(missing_docs, reason = "the questions of vigo_core::agent::Ask")]
pub enum Question {
    CheckIn(CheckIn),
    Report(Report),
    Traits(TraitsDelta),
    Order(OrderResult),
    Renew(RenewCertificate),
    Secrets(ResolveSecrets),
    KeySet(GetKeySet),
    Enrol(Enrol),
}

/// The line to the servers: a connection while there is something to say.
#[derive(Default)]
pub struct Line {
    dialer: Dialer,
    session: Option<Arc<Session>>,
}

/// By what a connection is made.
pub struct Credentials {
    client: ClientIdentity,
    trust: TrustAnchors,
    servers: Vec<String>,
}

impl Credentials {
    /// Returns those of `identity`, by a clock that is not behind `newest`.
    pub fn of(identity: &Identity, newest: Timestamp) -> Self {
        Self { client: identity.client(), trust: identity.trust(newest), servers: identity.servers.clone() }
    }

    /// Returns those of an identity that lies elsewhere.
    pub fn new(client: ClientIdentity, trust: TrustAnchors, servers: Vec<String>) -> Self {
        Self { client, trust, servers }
    }
}

impl Line {
    /// Returns a line that is made by this dialer.
    pub fn by(dialer: Dialer) -> Self {
        Self { dialer, session: None }
    }

    /// Asks, over a connection that is made when there is none. After a failure there is none.
    ///
    /// # Errors
    /// [`NetError`], when no server has answered.
    pub async fn ask(&mut self, credentials: &Credentials, question: Question) -> Result<Response, NetError> {
        let question = match question {
            Question::KeySet(own) => {
                let anybody = TrustAnchors { authorities: vec![Anchor::Anybody], ..credentials.trust.clone() };
                return self.ask_apart(credentials, &anybody, &own, Response::KeySet).await;
            }
            // Who enrols the machine has to be a server of its fleet.
            Question::Enrol(own) => {
                return self.ask_apart(credentials, &credentials.trust, &own, Response::Enrolled).await;
            }
            other => other,
        };
        let session = match self.session.take() {
            Some(session) => session,
            None => {
                let Credentials { client, trust, servers } = credentials;
                let session = self.dialer.connect(servers, trust, client, Channel::Request).await?;
                tracing::debug!("connected to {} by {:?}", session.server(), session.transport());
                if session.is_clock_behind() {
                    tracing::warn!("the server's certificate is from the future: one of the two clocks is wrong");
                }
                Arc::new(session)
            }
        };
        let response = match question {
            Question::CheckIn(m) => said::<_, Answer>(&session, &m, Response::Answer).await,
            Question::Report(m) => said::<_, ReportTaken>(&session, &m, Response::Taken).await,
            Question::Traits(m) => said::<_, TraitsTaken>(&session, &m, Response::Traits).await,
            Question::Order(m) => said::<_, OrderTaken>(&session, &m, Response::Order).await,
            Question::Renew(m) => said::<_, Renewed>(&session, &m, Response::Renewed).await,
            Question::Secrets(m) => secrets(&session, m).await,
            Question::KeySet(m) => said::<_, KeySetAnswer>(&session, &m, Response::KeySet).await,
            Question::Enrol(m) => said::<_, Enrolled>(&session, &m, Response::Enrolled).await,
        }?;
        self.session = Some(session);
        Ok(response)
    }

    /// Returns a question to be called, over the connection that there is.
    ///
    /// # Errors
    /// Why nobody calls, in words.
    pub fn wait(&self) -> impl Future<Output = Result<Awaited, String>> + use<> {
        let session = self.session.clone();
        async move {
            let Some(session) = session else { return Err("there is no connection".into()) };
            match session.ask::<Await, Awaited>(&Await {}).await {
                Ok(Reply::Done(awaited)) => Ok(awaited),
                Ok(Reply::Refused(refused)) => Err(format!("the server refuses (`{}`)", shown(&refused.code))),
                Err(error) => Err(error.to_string()),
            }
        }
    }

    /// Asks whoever is believed by `trust` over a connection of its own, without a certificate.
    async fn ask_apart<M: Message, A: Message>(
        &mut self,
        credentials: &Credentials,
        trust: &TrustAnchors,
        message: &M,
        done: fn(A) -> Response,
    ) -> Result<Response, NetError> {
        self.disconnect().await;
        let Credentials { client, servers, .. } = credentials;
        let session = self.dialer.connect(servers, trust, client, Channel::Enrol).await?;
        let said = said::<_, A>(&session, message, done).await;
        let _ = tokio::time::timeout(CLOSE_MAX, session.close()).await;
        said
    }

    /// Closes the connection, if there is one.
    pub async fn disconnect(&mut self) {
        // Whoever waits to be called over it has been given up before.
        if let Some(session) = self.session.take().and_then(Arc::into_inner) {
            // Who does not listen any more need not be told.
            let _ = tokio::time::timeout(CLOSE_MAX, session.close()).await;
        }
    }
}

/// Asks for secrets by a key that nobody has used before, and opens them.
async fn secrets(session: &Session, mut asked: ResolveSecrets) -> Result<Response, NetError> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).map_err(|error| NetError::Random { why: error.to_string() })?;
    let key = OpeningKey::new(Entropy::new(bytes));
    asked.key = key.public();
    let sealed = match session.ask::<_, SealedSecrets>(&asked).await? {
        Reply::Done(sealed) => sealed,
        Reply::Refused(refused) => return Ok(Response::Refused(refused)),
    };
    let context = session.seal_context(&asked);
    let open = |secret: SealedSecret| {
        let SealedSecret { path, encapsulated, sealed, error, later } = secret;
        let value = match error.is_empty() {
            true => {
                key.open(&context, &path, &encapsulated, &sealed).map_err(|error| Withheld::Refused(error.to_string()))
            }
            false if later => Err(Withheld::Unreachable(shown(&error).into_owned())),
            false => Err(Withheld::Refused(shown(&error).into_owned())),
        };
        (Arc::from(path), value)
    };
    Ok(Response::Secrets(sealed.secrets.into_iter().map(open).collect()))
}

async fn said<M: Message, A: Message>(
    session: &Session,
    message: &M,
    done: fn(A) -> Response,
) -> Result<Response, NetError> {
    Ok(match session.ask::<M, A>(message).await? {
        Reply::Done(answer) => done(answer),
        Reply::Refused(refused) => Response::Refused(refused),
    })
}
