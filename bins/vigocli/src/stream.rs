//! HTTP over a connection that is there: a socket of this machine, or TLS to a server whose key is known.

use crate::pin::{Pin, Seen};
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, StreamOwned};
use std::fmt;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{TcpStream, ToSocketAddrs as _};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use ureq::unversioned::transport::{Buffers, ConnectionDetails, Connector, LazyBuffers, NextTimeout, Transport};

/// How long the server may say nothing: publishing the largest tree takes some minutes.
const SILENCE_MAX: Duration = Duration::from_secs(1800);

/// How long a connection over the network may take.
const CONNECT_MAX: Duration = Duration::from_secs(10);

/// Connects to a server, whatever host the address names.
#[derive(Debug)]
pub(crate) enum Way {
    /// Through its socket.
    Socket(PathBuf),
    /// Over HTTPS.
    Https {
        /// Its name or address.
        host: String,
        /// Its port.
        port: u16,
        /// Its key.
        pin: Pin,
    },
}

/// A connection.
pub(crate) struct Connection {
    stream: Stream,
    buffers: LazyBuffers,
}

enum Stream {
    Socket(UnixStream),
    Tls(Box<StreamOwned<ClientConnection, TcpStream>>),
}

impl Way {
    /// Connects over TLS, and returns the stream and what key the server has.
    pub(crate) fn tls(
        host: &str,
        port: u16,
        pin: &Pin,
    ) -> io::Result<(StreamOwned<ClientConnection, TcpStream>, Seen)> {
        let seen = Seen::default();
        let verifier = pin.verifier(&seen);
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(io::Error::other)?
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(verifier))
            .with_no_client_auth();
        let name = ServerName::try_from(host.to_owned()).map_err(io::Error::other)?;
        let mut tls = ClientConnection::new(Arc::new(config), name).map_err(io::Error::other)?;
        let mut stream = dial(host, port)?;
        // The handshake ends here, so that a wrong key is told as such, and before anything is sent.
        tls.complete_io(&mut stream)?;
        stream.set_read_timeout(Some(SILENCE_MAX))?;
        stream.set_write_timeout(Some(SILENCE_MAX))?;
        Ok((StreamOwned::new(tls, stream), seen))
    }
}

/// Connects to the first address that answers.
fn dial(host: &str, port: u16) -> io::Result<TcpStream> {
    let mut last = io::Error::new(ErrorKind::NotFound, "the name has no address");
    for address in (host, port).to_socket_addrs()? {
        match TcpStream::connect_timeout(&address, CONNECT_MAX) {
            Ok(stream) => {
                stream.set_read_timeout(Some(CONNECT_MAX))?;
                return Ok(stream);
            }
            Err(error) => last = error,
        }
    }
    Err(last)
}

impl<In: Transport> Connector<In> for Way {
    type Out = Connection;

    fn connect(
        &self,
        details: &ConnectionDetails<'_>,
        _chained: Option<In>,
    ) -> Result<Option<Connection>, ureq::Error> {
        let stream = match self {
            Self::Socket(path) => {
                let stream = UnixStream::connect(path)?;
                stream.set_read_timeout(Some(SILENCE_MAX))?;
                stream.set_write_timeout(Some(SILENCE_MAX))?;
                Stream::Socket(stream)
            }
            Self::Https { host, port, pin } => Stream::Tls(Box::new(Self::tls(host, *port, pin)?.0)),
        };
        let config = details.config;
        let buffers = LazyBuffers::new(config.input_buffer_size(), config.output_buffer_size());
        Ok(Some(Connection { stream, buffers }))
    }
}

impl Read for Stream {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Socket(stream) => stream.read(buf),
            Self::Tls(stream) => stream.read(buf),
        }
    }
}

impl Stream {
    fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        match self {
            Self::Socket(stream) => stream.write_all(bytes),
            Self::Tls(stream) => stream.write_all(bytes).and_then(|()| stream.flush()),
        }
    }
}

impl Transport for Connection {
    fn buffers(&mut self) -> &mut dyn Buffers {
        &mut self.buffers
    }

    fn transmit_output(&mut self, amount: usize, _timeout: NextTimeout) -> Result<(), ureq::Error> {
        let output = self.buffers.output();
        match self.stream.send(output.get(..amount).unwrap_or(output)) {
            // The server may have answered before it has read all; the answer is there to be read.
            Err(e) if e.kind() == ErrorKind::BrokenPipe => Ok(()),
            done => Ok(done?),
        }
    }

    fn await_input(&mut self, _timeout: NextTimeout) -> Result<bool, ureq::Error> {
        let amount = self.stream.read(self.buffers.input_append_buf())?;
        self.buffers.input_appended(amount);
        Ok(amount > 0)
    }

    /// One request is one connection.
    fn is_open(&mut self) -> bool {
        false
    }
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Connection")
    }
}
