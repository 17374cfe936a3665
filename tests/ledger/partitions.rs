//! Any sequence of cuts, releases and returns of two posts and the register, against a model that a child could
//! keep: what was set aside for whom, what each has released, and what has been told.
use super::cut_off::*;
use super::harness::*;
use passavant::app::licences::Decision;
use passavant::clock::Clock;
use passavant::wire::post::ReturnRequest;
use proptest::prelude::*;
use uuid::Uuid;

const AUTHORISED: u32 = 100;
const POSTS: [&str; 2] = ["FRLEH", "FRMRS"];
/// How long a snapshot serves, in hours.
const LIFE_H: i64 = 24;

#[derive(Debug, Clone)]
enum Act {
    SetAside(usize, u32),
    Withdraw(usize),
    Lose(usize),
    Take(usize),
    Load(usize),
    Release(usize, u32),
    ReleaseHere(u32),
    Join(usize, usize),
    JoinAgain(usize),
    GiveUp(usize),
    Restart(usize),
    Hours(i64),
    Decide(Decision),
}

fn act() -> impl Strategy<Value = Act> {
    let post = || 0..POSTS.len();
    prop_oneof![
        4 => (post(), 1..50_u32).prop_map(|(post, rounds)| Act::SetAside(post, rounds)),
        1 => (0..6_usize).prop_map(Act::Withdraw),
        1 => (0..6_usize).prop_map(Act::Lose),
        4 => post().prop_map(Act::Take),
        4 => post().prop_map(Act::Load),
        8 => (post(), 1..40_u32).prop_map(|(post, rounds)| Act::Release(post, rounds)),
        3 => (1..40_u32).prop_map(Act::ReleaseHere),
        3 => (post(), 0..4_usize).prop_map(|(post, pieces)| Act::Join(post, pieces)),
        1 => post().prop_map(Act::JoinAgain),
        2 => post().prop_map(Act::GiveUp),
        1 => post().prop_map(Act::Restart),
        2 => (1..15_i64).prop_map(Act::Hours),
        1 => prop_oneof![Just(Decision::Suspension), Just(Decision::Reinstatement)].prop_map(Act::Decide),
    ]
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Stands {
    SetAside,
    Out,
    Over,
    Lost,
}

/// An allowance as the model keeps it.
struct Allowance {
    id: Uuid,
    post: usize,
    rounds: u32,
    /// How much of it the register knows to be drawn.
    drawn: u32,
    stands: Stands,
    /// The end of the last snapshot that holds it.
    ends_h: i64,
}

/// A snapshot that a post was given and has perhaps not taken up.
#[derive(Clone)]
struct Given {
    text: String,
    joined: usize,
    taken: usize,
    left: u32,
    ends_h: i64,
    active: bool,
    allowances: Vec<usize>,
}

/// What a post's log says, in order.
#[derive(Clone, PartialEq, Debug)]
enum Said {
    Released(u32),
    GaveUp(Vec<usize>),
}

#[derive(Default)]
struct Side {
    given: Option<Given>,
    /// What it may release still, until when, and whether the licence was active when that was taken.
    left: u32,
    ends_h: i64,
    active: bool,
    loaded: usize,
    holds: Vec<usize>,
    said: Vec<Said>,
    /// How much of that the register has heard.
    heard: usize,
}

struct Model {
    allowances: Vec<Allowance>,
    sides: [Side; 2],
    here: u32,
    active: bool,
    now_h: i64,
    taken: usize,
    declared: u32,
}

impl Model {
    fn lost(&self) -> u32 {
        self.of(Stands::Lost).map(|of| of.rounds - of.drawn).sum()
    }

    fn of(&self, stands: Stands) -> impl Iterator<Item = &Allowance> {
        self.allowances.iter().filter(move |of| of.stands == stands)
    }

    /// Set aside and not come back, as far as the register knows.
    fn held(&self) -> u32 {
        let open = self.of(Stands::SetAside).chain(self.of(Stands::Out));
        open.map(|of| of.rounds - of.drawn).sum()
    }

    fn drawn(&self) -> u32 {
        self.here + self.allowances.iter().map(|of| of.drawn).sum::<u32>()
    }

    /// Released over any border, whether or not the register has heard of it.
    fn released(&self) -> u32 {
        let at = |side: &Side| -> u32 {
            let rounds = side.said.iter().map(|said| match said {
                Said::Released(rounds) => *rounds,
                Said::GaveUp(_) => 0,
            });
            rounds.sum()
        };
        self.here + self.sides.iter().map(at).sum::<u32>()
    }

    /// The register hears what a post said.
    fn hear(&mut self, post: usize, upto: usize) {
        let said: Vec<Said> = self.sides[post].said[self.sides[post].heard..upto].to_vec();
        self.sides[post].heard = upto;
        for said in said {
            match said {
                Said::Released(mut rounds) => {
                    let own = self.allowances.iter_mut().filter(|of| of.post == post);
                    for of in own.filter(|of| matches!(of.stands, Stands::Out | Stands::Lost)) {
                        let takes = rounds.min(of.rounds - of.drawn);
                        of.drawn += takes;
                        rounds -= takes;
                    }
                    assert_eq!(rounds, 0, "a post released more than was set aside for it");
                }
                Said::GaveUp(which) => {
                    for of in which {
                        if matches!(self.allowances[of].stands, Stands::Out | Stands::Lost) {
                            self.allowances[of].stands = Stands::Over;
                        }
                    }
                }
            }
        }
    }
}

struct World {
    centre: Service,
    posts: Vec<Option<Post>>,
    model: Model,
}

impl World {
    async fn new() -> Self {
        let centre = register();
        for mut licence in sample(AUTHORISED, "multiple") {
            licence["border_posts"] = serde_json::json!(["FRLEH", "FRMRS", "KEMBA"]);
            centre.issue(&licence).await.unwrap();
        }
        let posts = POSTS.iter().map(|code| Some(Post::new(code, 1, &centre.clock))).collect();
        let model = Model {
            allowances: Vec::new(),
            sides: Default::default(),
            here: 0,
            active: true,
            now_h: 0,
            taken: 0,
            declared: 0,
        };
        Self { centre, posts, model }
    }

    fn post(&self, post: usize) -> &Post {
        self.posts[post].as_ref().unwrap()
    }

    fn declaration(&mut self, rounds: u32) -> serde_json::Value {
        self.model.declared += 1;
        cartridges(self.model.declared, rounds)
    }

    async fn apply(&mut self, act: &Act) {
        match act {
            Act::SetAside(post, rounds) => self.set_aside(*post, *rounds).await,
            Act::Withdraw(which) => self.finish(*which, true).await,
            Act::Lose(which) => self.finish(*which, false).await,
            Act::Take(post) => self.take(*post).await,
            Act::Load(post) => self.load(*post),
            Act::Release(post, rounds) => self.release(*post, *rounds).await,
            Act::ReleaseHere(rounds) => self.release_here(*rounds).await,
            Act::Join(post, pieces) => self.join(*post, *pieces).await,
            Act::JoinAgain(post) => self.join_again(*post).await,
            Act::GiveUp(post) => self.give_up(*post),
            Act::Restart(post) => {
                self.posts[*post] = self.posts[*post].take().map(Post::restarted);
            }
            Act::Hours(hours) => {
                let now = self.centre.clock.now();
                self.centre.clock.set(now + jiff::SignedDuration::from_hours(*hours));
                self.model.now_h += hours;
            }
            Act::Decide(decision) => self.decide(*decision).await,
        }
    }

    async fn set_aside(&mut self, post: usize, rounds: u32) {
        let model = &self.model;
        let fits = model.drawn() + model.held() + model.lost() + rounds <= AUTHORISED;
        let made = set_aside(&self.centre, POSTS[post], rounds).await;
        assert_eq!(made.is_ok(), fits && model.active, "{made:?}");
        if let Ok(id) = made {
            let (drawn, stands, ends_h) = (0, Stands::SetAside, 0);
            self.model.allowances.push(Allowance { id, post, rounds, drawn, stands, ends_h });
        }
    }

    async fn finish(&mut self, which: usize, withdraw: bool) {
        let now_h = self.model.now_h;
        let Some(of) = self.model.allowances.get_mut(which) else { return };
        let (caller, post) = (authority("FR"), POSTS[of.post]);
        let (done, may, then) = if withdraw {
            let done = self.centre.app.withdraw_allowance(&caller, post, of.id, None).await;
            (done, of.stands == Stands::SetAside, Stands::Over)
        } else {
            let reason = "it burnt down".into();
            let done = self.centre.app.lose_allowance(&caller, post, of.id, reason, None).await;
            (done, of.stands == Stands::Out && of.ends_h <= now_h, Stands::Lost)
        };
        assert_eq!(done.is_ok(), may, "{done:?}");
        if done.is_ok() {
            of.stands = then;
        }
    }

    async fn take(&mut self, post: usize) {
        let taken = self.post(post).ask(&self.centre).await;
        let model = &mut self.model;
        let open =
            |of: &Allowance| of.post == post && matches!(of.stands, Stands::SetAside | Stands::Out);
        let which: Vec<usize> =
            (0..model.allowances.len()).filter(|at| open(&model.allowances[*at])).collect();
        assert_eq!(taken.is_ok(), !which.is_empty(), "{taken:?}");
        let Ok(text) = taken else { return };
        model.taken += 1;
        let ends_h = model.now_h + LIFE_H;
        let mut left = 0;
        for at in &which {
            let of = &mut model.allowances[*at];
            (of.stands, of.ends_h) = (Stands::Out, ends_h);
            left += of.rounds - of.drawn;
        }
        let (joined, taken, active) = (model.sides[post].heard, model.taken, model.active);
        let allowances = which;
        model.sides[post].given =
            Some(Given { text, joined, taken, left, ends_h, active, allowances });
    }

    fn load(&mut self, post: usize) {
        let Some(given) = self.model.sides[post].given.clone() else { return };
        let (there, loaded) = self.posts[post].take().unwrap().load(&self.centre, &given.text);
        self.posts[post] = Some(there);
        let now_h = self.model.now_h;
        let side = &mut self.model.sides[post];
        let may =
            given.joined == side.said.len() && given.ends_h > now_h && given.taken >= side.loaded;
        assert_eq!(loaded.is_ok(), may, "{loaded:?}");
        if loaded.is_ok() {
            (side.left, side.ends_h, side.active) = (given.left, given.ends_h, given.active);
            side.loaded = given.taken;
            side.holds = given.allowances;
        }
    }

    async fn release(&mut self, post: usize, rounds: u32) {
        let declaration = self.declaration(rounds);
        let released = self.post(post).releases(&declaration).await;
        let now_h = self.model.now_h;
        let side = &mut self.model.sides[post];
        let may = rounds <= side.left && side.active && now_h < side.ends_h;
        assert_eq!(released, may, "{rounds} of {} at {}", side.left, POSTS[post]);
        if released {
            side.left -= rounds;
            side.said.push(Said::Released(rounds));
        }
    }

    async fn release_here(&mut self, rounds: u32) {
        let declaration = self.declaration(rounds);
        let verification = self.centre.verify(&declaration).await;
        let key = format!("here-{}", self.model.declared);
        let released = !is_refused(&self.centre.release(&verification, &key).await.unwrap());
        let model = &mut self.model;
        let used = model.drawn() + model.held() + model.lost();
        assert_eq!(released, model.active && used + rounds <= AUTHORISED);
        if released {
            model.here += rounds;
        }
    }

    /// Some pieces of what a post has recorded reach the register, and then the line is cut again.
    async fn join(&mut self, post: usize, most: usize) {
        let Some(mut pieces) = self.log(post) else { return };
        let whole = most >= pieces.len();
        pieces.truncate(most);
        let (mut said, mut returned) = (0, 0);
        for piece in pieces {
            said += piece.releases.len()
                + piece.entries.iter().filter(|of| of.contains("allowances_given_up")).count();
            let reply = self.post(post).bring(&self.centre, piece).await.unwrap();
            returned += reply.returned.len();
        }
        let before = self.model.of(Stands::Over).count();
        self.model.hear(post, said.max(self.model.sides[post].heard));
        assert_eq!(self.model.of(Stands::Over).count(), before + returned);
        assert!(!whole || self.model.sides[post].heard == self.model.sides[post].said.len());
    }

    /// A post's log in pieces of one signed size each; none while nothing has been given to it.
    fn log(&self, post: usize) -> Option<Vec<ReturnRequest>> {
        self.model.sides[post].given.as_ref()?;
        let whole = self.post(post).pieces(0);
        Some(whole.iter().flat_map(split).collect())
    }

    async fn join_again(&mut self, post: usize) {
        let Some(pieces) = self.log(post) else { return };
        let joined = self.centre.app.post(&officer_at(POSTS[post]), POSTS[post]).await.unwrap();
        let joined = joined.logs.first().map_or(0, |log| log.joined);
        let known = |piece: &ReturnRequest| {
            piece.from + u64::try_from(piece.entries.len()).unwrap() <= joined
        };
        for piece in pieces.into_iter().filter(known) {
            let reply = self.post(post).bring(&self.centre, piece).await.unwrap();
            assert_eq!((reply.new, reply.releases, reply.joined), (0, 0, joined));
        }
    }

    fn give_up(&mut self, post: usize) {
        self.posts[post] = self.posts[post].take().map(Post::giving_up);
        let side = &mut self.model.sides[post];
        side.left = 0;
        if !side.holds.is_empty() {
            let holds = std::mem::take(&mut side.holds);
            side.said.push(Said::GaveUp(holds));
        }
    }

    async fn decide(&mut self, decision: Decision) {
        let (caller, number) = (authority("FR"), EXPORT.into());
        let decided = self.centre.app.decide(&caller, number, decision, "x".into(), None, None);
        let to = decision == Decision::Reinstatement;
        assert_eq!(decided.await.is_ok(), self.model.active != to);
        self.model.active = to;
    }

    async fn holds(&self) {
        let model = &self.model;
        assert!(model.released() <= AUTHORISED, "two posts and the register over-draw together");
        let (available, reserved, consumed) = self.centre.figures().await;
        assert_eq!((reserved, consumed), (model.held(), model.drawn() + model.lost()));
        assert_eq!(available + reserved + consumed, AUTHORISED);
    }

    /// Everybody returns.
    async fn end(mut self) {
        for post in 0..POSTS.len() {
            self.give_up(post);
            self.join(post, usize::MAX).await;
            self.holds().await;
        }
        let mut logs = assert_fits(&self.centre.app.config.database);
        for post in self.posts.iter().flatten() {
            for (log, entries) in assert_fits(&post.app.config.database) {
                let there = logs.iter().position(|(of, _)| *of == log);
                assert!(there.is_none_or(|at| logs.remove(at).1 == entries), "{log}");
            }
        }
        // What no post holds any more has come back, or is lost; the rest was never loaded.
        let model = &self.model;
        let (_, reserved, consumed) = self.centre.figures().await;
        assert_eq!(consumed, model.released() + model.lost());
        assert_eq!(reserved, model.held());
    }
}

/// A return in pieces of one signed size each.
fn split(whole: &ReturnRequest) -> Vec<ReturnRequest> {
    let size = |note: &str| note.lines().nth(1).unwrap().parse::<u64>().unwrap();
    let (mut pieces, mut from) = (Vec::new(), whole.from);
    for note in &whole.checkpoints {
        let upto = size(note);
        let within = |index: u64| (from..upto).contains(&index);
        let at = |index: u64| usize::try_from(index - whole.from).unwrap();
        pieces.push(ReturnRequest {
            log: whole.log.clone(),
            from,
            entries: whole.entries[at(from)..at(upto)].to_vec(),
            checkpoints: vec![note.clone()],
            verdicts: whole.verdicts.iter().filter(|of| within(of.index)).cloned().collect(),
            releases: whole.releases.iter().filter(|of| within(of.index)).cloned().collect(),
        });
        from = upto;
    }
    pieces
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 16, max_shrink_iters: 200, ..ProptestConfig::default() })]

    #[test]
    fn posts_that_are_cut_off_never_over_draw_together_and_everything_adds_up(
        acts in proptest::collection::vec(act(), 10..45)
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let mut world = World::new().await;
            for act in &acts {
                world.apply(act).await;
                world.holds().await;
            }
            world.end().await;
        });
    }
}
