//! Who acts in a web request: what only the framework's request knows, and only a person can say where to read.

use super::{Change, Choice, Context, Plan, Question, Step};
use crate::facts::Entrypoint;

/// How each framework takes the middleware.
struct Middleware {
    kinds: &'static [&'static str],
    /// `APP` stands for the app's name.
    lines: &'static str,
}

const MIDDLEWARE: &[Middleware] = &[
    Middleware {
        kinds: &["fastapi_app", "starlette_app"],
        lines: "from governor.integrations.asgi import GovernorMiddleware\nAPP.add_middleware(GovernorMiddleware, identify=lambda scope: {\"actor_id\": ..., \"tenant_id\": ...}, respond=True)",
    },
    Middleware {
        kinds: &["litestar_app", "quart_app"],
        lines: "from governor.integrations.asgi import GovernorMiddleware\nAPP.asgi_app = GovernorMiddleware(APP.asgi_app, identify=lambda scope: {\"actor_id\": ..., \"tenant_id\": ...}, respond=True)",
    },
    Middleware {
        kinds: &["dash_app", "flask_app"],
        lines: "from governor.integrations.wsgi import GovernorMiddleware\nAPP.wsgi_app = GovernorMiddleware(APP.wsgi_app, identify=lambda environ: {\"actor_id\": ..., \"tenant_id\": ...}, respond=True)",
    },
    Middleware {
        kinds: &["django_asgi", "django_wsgi"],
        lines: "in the settings, last in MIDDLEWARE: \"governor.integrations.django.GovernorMiddleware\"\nand GOVERNOR_IDENTIFY = \"your.module.identify\", a function of the request that gives {\"actor_id\": request.user.get_username(), \"tenant_id\": ...}",
    },
];

pub fn add_steps(context: &Context, plan: &mut Plan) {
    let processes = context.processes();
    let apps: Vec<(&Entrypoint, &Middleware)> = processes
        .values()
        .flatten()
        .filter_map(|app| {
            let found = MIDDLEWARE
                .iter()
                .find(|entry| entry.kinds.contains(&app.kind.as_str()))?;
            Some((*app, found))
        })
        .collect();
    if apps.is_empty() || has_middleware(context) {
        return;
    }
    let mut ids = Vec::new();
    for (app, middleware) in apps {
        let id = format!("actor:{}", app.path);
        if ids.contains(&id) {
            continue;
        }
        ids.push(id.clone());
        plan.steps.push(
            Step::new(
                id,
                format!("Say who acts in a request of `{}`", app.name),
                format!("{}:{}", app.path, app.line),
                "policies decide by actor and tenant, and the code does not show where a request carries them".to_owned(),
                Change::None,
            )
            .display_only(middleware.lines.replace("APP", &app.name)),
        );
    }
    plan.needs_input.push(Question {
        id: "actor".to_owned(),
        question: "Who acts in a web request: the service itself, or whoever sends the request?"
            .to_owned(),
        choices: vec![
            Choice {
                value: "service".to_owned(),
                consequence: "every intent names one actor and tenant: `actor_id` and `tenant_id` in governor.toml, or GOVERNOR_ACTOR_ID and GOVERNOR_TENANT_ID".to_owned(),
            },
            Choice {
                value: "request".to_owned(),
                consequence: "the middleware reads them from each request: do the steps `actor:…` by hand, with the place where your requests carry them".to_owned(),
            },
        ],
        default: "service".to_owned(),
        steps: ids,
    });
}

/// Whether somebody answered already: the middleware is in the code, or the configuration names an actor.
fn has_middleware(context: &Context) -> bool {
    let processes = context.processes();
    // Django names its middleware in the settings.
    let settings = context
        .files_named(|name| name.ends_with(".py"))
        .filter(|path| path.contains("settings"));
    let in_code = processes.keys().copied().chain(settings).any(|path| {
        context
            .read(path)
            .is_ok_and(|source| memchr::memmem::find(&source, b"GovernorMiddleware").is_some())
    });
    in_code
        || context.read(super::config::PATH).is_ok_and(|source| {
            String::from_utf8_lossy(&source).lines().any(|line| {
                line.split_once('=').is_some_and(|(key, value)| {
                    key.trim() == "actor_id" && !value.trim().trim_matches(['"', '\'']).is_empty()
                })
            })
        })
}
