//! Connections that are given up on: heads that never end, clients that never read, and silence between requests.
//!
//! The time a body may take is the request's own matter; here time runs only while nothing is being answered.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::extract::connect_info::Connected;
use axum::serve::{IncomingStream, Listener};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, Sleep, sleep_until};

/// How long a connection may wait for what.
#[derive(Clone, Copy, Debug)]
pub(super) struct Patience {
    /// For the first byte of a request.
    pub idle: Duration,
    /// For the rest of its head.
    pub head: Duration,
    /// For the client to take a piece of the response.
    pub write: Duration,
    /// For the client to stop sending what won't be read, so that it reads why.
    pub linger: Duration,
}

/// Accepts connections, so many at once and no more.
pub(super) struct Door {
    pub listener: TcpListener,
    pub places: Arc<Semaphore>,
    pub patience: Patience,
}

impl Listener for Door {
    type Io = Connection;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Connection, SocketAddr) {
        let place = self.places.clone().acquire_owned().await.expect("the semaphore is never closed");
        let (stream, address) = Listener::accept(&mut self.listener).await;
        // Answers are small: waiting to fill a packet would only delay them. Where that can't be set, they are slower.
        let _ = stream.set_nodelay(true);
        let pulse = Pulse(Arc::new(Mutex::new(Beat { phase: Phase::Waiting, since: Instant::now(), linger: false })));
        let connection = Connection {
            stream,
            pulse,
            patience: self.patience,
            reading: Alarm::default(),
            writing: Alarm::default(),
            stuck: None,
            closing: None,
            _place: place,
        };
        (connection, address)
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }
}

/// What a connection is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// Nothing came since the last response.
    Waiting,
    /// A request has begun to come.
    Head,
    /// A request is being read and answered.
    Answering,
}

#[derive(Debug)]
struct Beat {
    phase: Phase,
    since: Instant,
    /// Whether the client may still be sending what nobody reads.
    linger: bool,
}

/// How a request tells its connection where it stands.
#[derive(Clone, Debug)]
pub(super) struct Pulse(Arc<Mutex<Beat>>);

impl Pulse {
    /// A request's head was read.
    pub fn answering(&self) {
        self.enter(Phase::Answering);
    }

    /// Its response is known; `refused` if its body may not have been read.
    pub fn answered(&self, refused: bool) {
        self.enter(Phase::Waiting);
        self.beat().linger = refused;
    }

    fn enter(&self, phase: Phase) {
        let mut beat = self.beat();
        beat.phase = phase;
        beat.since = Instant::now();
    }

    fn beat(&self) -> MutexGuard<'_, Beat> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Connected<IncomingStream<'_, Door>> for Pulse {
    fn connect_info(stream: IncomingStream<'_, Door>) -> Self {
        stream.io().pulse.clone()
    }
}

/// A timer that is set again only when its time changes.
#[derive(Default)]
struct Alarm(Option<Pin<Box<Sleep>>>);

impl Alarm {
    /// Whether `at` has come; if not, the task is woken then.
    fn rings(&mut self, at: Instant, cx: &mut Context<'_>) -> bool {
        let sleep = self.0.get_or_insert_with(|| Box::pin(sleep_until(at)));
        if sleep.deadline() != at {
            sleep.as_mut().reset(at);
        }
        sleep.as_mut().poll(cx).is_ready()
    }
}

/// A connection with limited patience.
pub(super) struct Connection {
    stream: TcpStream,
    pulse: Pulse,
    patience: Patience,
    reading: Alarm,
    writing: Alarm,
    /// Since when the client takes nothing.
    stuck: Option<Instant>,
    /// Since when it is being closed.
    closing: Option<Instant>,
    _place: OwnedSemaphorePermit,
}

impl Connection {
    /// Until when something must come.
    fn deadline(&self) -> Option<Instant> {
        let beat = self.pulse.beat();
        match beat.phase {
            Phase::Waiting => Some(beat.since + self.patience.idle),
            Phase::Head => Some(beat.since + self.patience.head),
            Phase::Answering => None,
        }
    }

    fn written(&mut self, result: Poll<io::Result<usize>>, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        if result.is_ready() {
            self.stuck = None;
            return result;
        }
        let since = *self.stuck.get_or_insert_with(Instant::now);
        if self.writing.rings(since + self.patience.write, cx) {
            return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
        }
        Poll::Pending
    }
}

impl AsyncRead for Connection {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        if let Poll::Ready(result) = Pin::new(&mut self.stream).poll_read(cx, buf) {
            let waiting = self.pulse.beat().phase == Phase::Waiting;
            if waiting && buf.filled().len() > before {
                self.pulse.enter(Phase::Head);
            }
            return Poll::Ready(result);
        }
        match self.deadline() {
            Some(deadline) if self.reading.rings(deadline, cx) => Poll::Ready(Err(io::ErrorKind::TimedOut.into())),
            _ => Poll::Pending,
        }
    }
}

impl AsyncWrite for Connection {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let result = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.written(result, cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        pieces: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let result = Pin::new(&mut self.stream).poll_write_vectored(cx, pieces);
        self.written(result, cx)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    /// Closes. A client that was refused while it was still sending would lose the response if the connection were torn
    /// down at once, so what it sends is read and thrown away for a while.
    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.closing.is_none() {
            ready!(Pin::new(&mut self.stream).poll_shutdown(cx))?;
            self.closing = Some(Instant::now());
        }
        let linger = self.pulse.beat().linger.then_some(self.patience.linger);
        let (Some(since), Some(linger)) = (self.closing, linger) else {
            return Poll::Ready(Ok(()));
        };
        let mut bytes = [0; 16 << 10];
        loop {
            if self.reading.rings(since + linger, cx) {
                return Poll::Ready(Ok(()));
            }
            let mut buf = ReadBuf::new(&mut bytes);
            match ready!(Pin::new(&mut self.stream).poll_read(cx, &mut buf)) {
                Ok(()) if !buf.filled().is_empty() => {}
                _ => return Poll::Ready(Ok(())),
            }
        }
    }
}
