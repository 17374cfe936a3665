//! The client: many kept connections on one thread. In the open loop every request has its moment
//! from the beginning, whether or not earlier ones have been answered, and its latency counts from
//! that moment: what has to wait for a free connection has waited. In the closed loop each
//! connection asks again as soon as it is answered.
use hdrhistogram::Histogram;
use indicatif::ProgressBar;
use indicatif::ProgressStyle;
use rustix::event::epoll;
use rustix::event::epoll::EventData;
use rustix::event::epoll::EventFlags;
use std::collections::VecDeque;
use std::io::ErrorKind;
use std::io::Read;
use std::io::Write;
use std::net::SocketAddr;
use std::net::TcpStream;
use std::os::fd::OwnedFd;
use std::time::Duration;
use std::time::Instant;

/// Longest reply.
const REPLY_BYTES_MAX: usize = 1 << 20;
/// How long all may be silent before the run is given up.
const SILENCE_MAX: Duration = Duration::from_secs(30);
/// How often the progress is shown.
const SHOWN_EVERY: Duration = Duration::from_millis(200);

/// What went wrong.
pub type Failed = Box<dyn std::error::Error + Send + Sync>;

/// Who asks what, and hears the answers.
pub trait Traffic {
    /// Writes the next request for a connection; gives what `answered` is told again. `None`: there
    /// is no more to ask.
    fn next(&mut self, connection: usize, request: &mut Vec<u8>) -> Option<u64>;
    /// Hears an answer.
    fn answered(&mut self, ticket: u64, status: u16, body: &[u8]) -> Result<(), Failed>;
}

/// When to ask.
pub enum Pace {
    /// At these moments, in nanoseconds from the beginning.
    Open(Vec<u64>),
    /// Always, for so long.
    Closed(Duration),
}

/// What a run gave.
#[derive(Debug, Clone)]
pub struct Ran {
    /// Latencies in nanoseconds.
    pub latency: Histogram<u64>,
    /// Requests answered.
    pub answered: u64,
    /// From the first moment to the last answer.
    pub took: Duration,
    /// Answers by status.
    pub statuses: Vec<(u16, u64)>,
}

impl Ran {
    /// Answers a second.
    pub fn rate(&self) -> f64 {
        count(self.answered) / self.took.as_secs_f64()
    }

    /// A latency in milliseconds that so many per cent keep.
    pub fn at(&self, percent: f64) -> f64 {
        count(self.latency.value_at_percentile(percent)) / 1e6
    }
}

/// A count as a figure to reckon with.
#[expect(
    clippy::as_conversions,
    clippy::cast_precision_loss,
    reason = "no count of a run comes near 2^53"
)]
pub fn count(value: u64) -> f64 {
    value as f64
}

struct Connection {
    stream: TcpStream,
    request: Vec<u8>,
    reply: Vec<u8>,
    filled: usize,
    ticket: u64,
    due: Instant,
    busy: bool,
}

/// Runs traffic against an address.
pub fn run(
    address: SocketAddr,
    connections: usize,
    pace: &Pace,
    traffic: &mut impl Traffic,
    title: &str,
) -> Result<Ran, Failed> {
    let poller = epoll::create(epoll::CreateFlags::CLOEXEC)?;
    let mut open = Vec::with_capacity(connections);
    for number in 0..connections {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        stream.set_nonblocking(true)?;
        let data = EventData::new_u64(u64::try_from(number)?);
        epoll::add(&poller, &stream, data, EventFlags::IN)?;
        let due = Instant::now();
        let (request, reply) = (Vec::with_capacity(4096), vec![0; 16 * 1024]);
        open.push(Connection { stream, request, reply, filled: 0, ticket: 0, due, busy: false });
    }
    let bar = match pace {
        Pace::Open(schedule) => ProgressBar::new(u64::try_from(schedule.len())?),
        Pace::Closed(_) => ProgressBar::no_length(),
    };
    bar.set_style(ProgressStyle::with_template(
        "{msg:32} {bar:30} {human_pos} answered, {per_sec}",
    )?);
    bar.set_message(title.to_owned());
    let latency = Histogram::new_with_bounds(1, 600_000_000_000, 3)?;
    let ran = Ran { latency, answered: 0, took: Duration::ZERO, statuses: Vec::new() };
    let free = (0..connections).collect();
    let mut running =
        Running { poller, open, free, ran, bar, began: Instant::now(), sent: 0, ended: false };
    running.run(pace, traffic)?;
    running.bar.finish_and_clear();
    Ok(running.ran)
}

struct Running {
    poller: OwnedFd,
    open: Vec<Connection>,
    /// In turns, so that none lies idle until the server gives it up.
    free: VecDeque<usize>,
    ran: Ran,
    bar: ProgressBar,
    began: Instant,
    sent: usize,
    ended: bool,
}

impl Running {
    fn run(&mut self, pace: &Pace, traffic: &mut impl Traffic) -> Result<(), Failed> {
        let mut events = Vec::with_capacity(self.open.len());
        let (mut heard, mut shown) = (self.began, self.began);
        loop {
            let due = self.ask(pace, traffic)?;
            let waiting = self.open.len() - self.free.len();
            if self.ended && waiting == 0 {
                self.ran.took = self.began.elapsed();
                return Ok(());
            }
            let wait = due.map_or(SILENCE_MAX, |due| due.saturating_duration_since(Instant::now()));
            let wait = rustix::event::Timespec {
                tv_sec: i64::try_from(wait.as_secs())?,
                tv_nsec: i64::from(wait.subsec_nanos()),
            };
            events.clear();
            match epoll::wait(
                &self.poller,
                rustix::buffer::spare_capacity(&mut events),
                Some(&wait),
            ) {
                Ok(_) | Err(rustix::io::Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
            let now = Instant::now();
            if !events.is_empty() {
                heard = now;
            } else if waiting > 0 && now - heard > SILENCE_MAX {
                return Err("no answer for 30 s".into());
            }
            for event in &events {
                self.hear(usize::try_from(event.data.u64())?, traffic)?;
            }
            if now - shown > SHOWN_EVERY {
                shown = now;
                self.bar.set_position(self.ran.answered);
            }
        }
    }

    /// Sends what is due on connections that are free; gives the moment of the next request where one
    /// is free for it.
    fn ask(&mut self, pace: &Pace, traffic: &mut impl Traffic) -> Result<Option<Instant>, Failed> {
        while !self.ended {
            let now = Instant::now();
            let due = match pace {
                Pace::Open(schedule) => match schedule.get(self.sent) {
                    Some(at) => self.began + Duration::from_nanos(*at),
                    None => {
                        self.ended = true;
                        break;
                    }
                },
                Pace::Closed(length) if now - self.began >= *length => {
                    self.ended = true;
                    break;
                }
                Pace::Closed(_) => now,
            };
            let Some(number) = self.free.pop_front() else { return Ok(None) };
            if due > now {
                self.free.push_front(number);
                return Ok(Some(due));
            }
            let connection = &mut self.open[number];
            connection.request.clear();
            let Some(ticket) = traffic.next(number, &mut connection.request) else {
                self.free.push_front(number);
                self.ended = true;
                break;
            };
            (connection.ticket, connection.due, connection.busy) = (ticket, due, true);
            connection.filled = 0;
            self.sent += 1;
            send(&mut connection.stream, &connection.request)?;
        }
        Ok(None)
    }

    fn hear(&mut self, number: usize, traffic: &mut impl Traffic) -> Result<(), Failed> {
        let connection = &mut self.open[number];
        loop {
            if connection.filled == connection.reply.len() {
                if connection.filled >= REPLY_BYTES_MAX {
                    return Err("a reply is longer than 1 MiB".into());
                }
                connection.reply.resize(connection.filled * 2, 0);
            }
            match connection.stream.read(&mut connection.reply[connection.filled..]) {
                Ok(0) => return Err("the server has closed a connection".into()),
                Ok(read) => connection.filled += read,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error.into()),
            }
            let Some((status, body)) = whole(&connection.reply[..connection.filled])? else {
                continue;
            };
            if !connection.busy {
                return Err("the server answers what was not asked".into());
            }
            let waited = connection.due.elapsed();
            self.ran.latency.saturating_record(u64::try_from(waited.as_nanos())?.max(1));
            self.ran.answered += 1;
            match self.ran.statuses.iter_mut().find(|(known, _)| *known == status) {
                Some((_, count)) => *count += 1,
                None => self.ran.statuses.push((status, 1)),
            }
            connection.busy = false;
            traffic.answered(connection.ticket, status, body)?;
            self.free.push_back(number);
            return Ok(());
        }
    }
}

fn send(stream: &mut TcpStream, mut bytes: &[u8]) -> Result<(), Failed> {
    while !bytes.is_empty() {
        match stream.write(bytes) {
            Ok(written) => bytes = &bytes[written..],
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                let mut writable =
                    [rustix::event::PollFd::new(stream, rustix::event::PollFlags::OUT)];
                rustix::event::poll(&mut writable, None)?;
            }
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

/// The status and the body of a reply, once all of it is there.
fn whole(reply: &[u8]) -> Result<Option<(u16, &[u8])>, Failed> {
    let Some(end) = reply.windows(4).position(|bytes| bytes == b"\r\n\r\n") else {
        return Ok(None);
    };
    let (head, rest) = reply.split_at(end + 4);
    let head = std::str::from_utf8(head)?;
    let status = head.get(9..12).ok_or("a reply without a status")?.parse()?;
    let length: usize = head
        .lines()
        .find_map(|line| {
            let (name, value) = line.split_once(':')?;
            name.eq_ignore_ascii_case("content-length").then(|| value.trim())
        })
        .ok_or("a reply without a length")?
        .parse()?;
    if rest.len() > length {
        return Err("a reply is longer than it says".into());
    }
    Ok((rest.len() == length).then_some((status, rest)))
}
