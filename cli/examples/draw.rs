use std::collections::*;
use togusa::chart::*;
use togusa::core::model::Order;
use togusa::core::names::RootId;
fn chart(roots: &[(String, String, bool)], links: &[(usize, usize, &str, Order)]) -> Chart {
    let mut layer = vec![0; roots.len()];
    loop {
        let mut ch = false;
        for (f, t, _, o) in links {
            if *o != Order::Unordered && layer[*t] < layer[*f] + 1 {
                layer[*t] = layer[*f] + 1;
                ch = true;
            }
        }
        if !ch {
            break;
        }
    }
    let nodes = roots
        .iter()
        .zip(&layer)
        .map(|((r, h, i), l)| Node {
            id: RootId::new(h.as_str(), r.as_str()),
            layer: *l,
            ignored: *i,
        })
        .collect();
    let mut ls: BTreeMap<Link, BTreeSet<String>> = BTreeMap::new();
    for (f, t, r, o) in links {
        ls.entry(Link { from: *f, to: *t, order: *o }).or_default().insert(r.to_string());
    }
    Chart { title: "fleet: production".into(), roots: nodes, links: ls }
}
fn fleet(apps: usize, webs: usize) -> Chart {
    let mut roots = vec![];
    let mut links = vec![];
    let add = |roots: &mut Vec<(String, String, bool)>, r: &str, h: String, i: bool| {
        roots.push((r.into(), h, i));
        roots.len() - 1
    };
    let db = add(&mut roots, "database", "db".into(), false);
    let replica = add(&mut roots, "replica", "db-standby".into(), false);
    links.push((db, replica, "Postgres", Order::ProviderFirst));
    let redis = add(&mut roots, "redis", "cache".into(), false);
    let mig = add(&mut roots, "migrations", "app01".into(), false);
    links.push((db, mig, "Postgres", Order::ProviderFirst));
    let mut a = vec![];
    let mut users = vec![];
    for i in 1..=apps {
        let h = format!("app{i:02}");
        let u = add(&mut roots, "users", h.clone(), false);
        users.push(u);
        let x = add(&mut roots, "app", h.clone(), false);
        links.push((u, x, "Account", Order::ProviderFirst));
        links.push((db, x, "Postgres", Order::ProviderFirst));
        links.push((mig, x, "Schema", Order::ProviderFirst));
        links.push((redis, x, "Redis", Order::ProviderFirst));
        a.push(x);
        let w = add(&mut roots, "worker", h.clone(), false);
        links.push((redis, w, "Redis", Order::ProviderFirst));
        links.push((mig, w, "Schema", Order::ProviderFirst));
    }
    for i in 1..=webs {
        let h = format!("web{i}");
        let w = add(&mut roots, "nginx", h.clone(), false);
        for x in &a {
            links.push((*x, w, "Backend", Order::ProviderFirst));
        }
        let c = add(&mut roots, "certificate", h, false);
        links.push((c, w, "Certificate", Order::ProviderFirst));
    }
    let mon = add(&mut roots, "monitoring", "mon".into(), false);
    for i in 0..roots.len() - 1 {
        if roots[i].0 == "app" || roots[i].0 == "nginx" || roots[i].0 == "database" {
            links.push((mon, i, "Collector", Order::Unordered));
        }
    }
    let drain = add(&mut roots, "drain", "mon".into(), false);
    for i in 0..roots.len() {
        if roots[i].0 == "nginx" {
            links.push((drain, i, "Drained", Order::Reversed));
        }
    }
    let old = add(&mut roots, "legacy-importer", "old".into(), true);
    links.push((db, old, "Postgres", Order::ProviderFirst));
    chart(&roots, &links)
}
fn main() {
    let dir = std::env::args().nth(1).unwrap();
    for (name, c) in [
        ("one", chart(&[("app".into(), "localhost".into(), false)], &[])),
        ("five", fleet(2, 1)),
        ("hundred", fleet(90, 5)),
        ("thousand", fleet(980, 16)),
    ] {
        let t = std::time::Instant::now();
        let svg = c.to_svg();
        let t1 = t.elapsed();
        let html = c.to_html();
        println!(
            "{name}: {} roots {} links, svg {} B {:?}, html {} B {:?}",
            c.roots.len(),
            c.links.len(),
            svg.len(),
            t1,
            html.len(),
            t.elapsed() - t1
        );
        std::fs::write(format!("{dir}/{name}.svg"), svg).unwrap();
        std::fs::write(format!("{dir}/{name}.html"), html).unwrap();
    }
}
