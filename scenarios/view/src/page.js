'use strict';
// One record, stepped through. All text goes in as text: nothing of the run is ever markup.
const D = JSON.parse(document.getElementById('record').textContent);
const C = D.columns;
const A = C[0];
const F = A.frames;
for (const c of C)  // equal calls and lines stand there once
  for (const r of c.recoveries) { r.calls = r.calls.map((n) => c.calls[n]); r.story = r.story.map((n) => c.lines[n]); r.holds = r.holds.map((n) => c.lines[n]); }
const $ = (id) => document.getElementById(id);
const SVG = 'http://www.w3.org/2000/svg';

function el(tag, attributes, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes || {})) {
    if (name === 'class') node.className = value;
    else if (name.startsWith('on')) node.addEventListener(name.slice(2), value);
    else node.setAttribute(name, value);
  }
  for (const child of children) node.append(child);
  return node;
}
function svg(tag, attributes, text) {
  const node = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes || {})) node.setAttribute(name, value);
  if (text !== undefined) node.textContent = text;
  return node;
}
const seconds = (ns) => (ns / 1e6).toFixed(3).replace(/\B(?=(\d{3})+(?!\d))/g, ' ') + ' ms';
const big = (digits) => digits.replace(/\B(?=(\d{3})+(?!\d))/g, ',');
const plural = (n, word) => n + ' ' + word + (String(n) === '1' ? '' : 's');

// --- Where one can stop: the moments up to the crash, then the crash step by step ---

const cutLife = A.cut === null ? null : A.lives[A.cut];
const lastFrame = cutLife === null ? F.length - 1 : cutLife.last;
const modes = C.map(() => 'drawn');
const own = C.map(() => ({}));
const isKill = cutLife !== null && cutLife.how === 'kill';

function outcomeOf(column, wanted) {
  const life = column.lives[column.cut];
  const rank = (o) => {
    const r = column.recoveries[o.r];
    return (r.broken ? 1e9 : 0) + (r.started === false ? 1e8 : 0) + (r.loss ? r.loss.ops : 0);
  };
  const sorted = [...(life.outcomes || [])].sort((a, b) => rank(a) - rank(b));
  return wanted === 'best' ? sorted[0] : sorted[sorted.length - 1];
}

// What a column shows: its slots with a version each, and the recovery that follows.
function shown(n) {
  const column = C[n];
  if (column.cut === null) return null;
  const life = column.lives[column.cut];
  const mode = modes[n];
  if (mode === 'own' && life.tree) {
    const slots = [];
    let node = life.tree;
    while (typeof node === 'object') {
      const hi = node.lo + node.next.length - 1;
      let v = own[n][node.slot];
      if (v === undefined || v < node.lo || v > hi) v = node.lo;
      slots.push({ x: node.slot, lo: node.lo, hi, v });
      node = node.next[v - node.lo];
    }
    return { slots, r: column.recoveries[node], own: true };
  }
  if (mode === 'worst' || mode === 'best') {
    const o = outcomeOf(column, mode);
    if (o) return { slots: o.slots || [], r: column.recoveries[o.r], images: o.i };
  }
  return { slots: life.slots || [], r: column.drawn === undefined ? null : column.recoveries[column.drawn] };
}

let stops = [];
function build() {
  stops = [];
  for (let i = 0; i <= lastFrame; ++i) if (F[i]) stops.push({ kind: 'frame', i });
  if (A.cut !== null) {
    const views = C.map((_, n) => shown(n));
    const slots = Math.max(0, ...views.map((v) => (v ? v.slots.length : 0)));
    const calls = Math.max(0, ...views.map((v) => (v && v.r ? v.r.calls.length : 0)));
    stops.push({ kind: 'dark', slots: 0, calls: 0 });
    for (let s = 1; s <= slots; ++s) stops.push({ kind: 'slot', slots: s, calls: 0 });
    for (let c = 1; c <= calls; ++c) stops.push({ kind: 'recovery', slots, calls: c });
    stops.push({ kind: 'verdict', slots, calls });
  }
  $('slider').max = stops.length - 1;
}
let at = 0;
const stop = () => stops[at];
const frameNow = () => (stop().kind === 'frame' ? stop().i : lastFrame);
const indexOf = (kind) => stops.findIndex((s) => s.kind === kind);
function go(n) {
  at = Math.max(0, Math.min(stops.length - 1, n));
  $('slider').value = at;
  draw();
}
function toFrame(i) {
  const n = stops.findIndex((s) => s.kind === 'frame' && s.i >= i);
  if (n >= 0) return go(n);
  const later = indexOf('recovery');
  go(later < 0 ? stops.length - 1 : later);
}

// --- Now ---

function riskAt(i) {
  const q = F[i] && F[i].q;
  return q === undefined ? null : A.risk[q];
}
function hangsText(point) {
  const p = el('span');
  if (!point) { p.append(el('span', { class: 'faint' }, 'What hangs on this moment was not counted.')); return p; }
  if (point.i === '') { p.append('More images than can be counted here.'); return p; }
  const none = point.b === '0';
  p.append('A power cut now may leave ', el('strong', {}, plural(big(point.i), 'image')), '; ');
  if (point.b === '') p.append('how many of them break the promise is not known.');
  else p.append(el('strong', { class: none ? 'held' : 'broken', id: 'breaking' },
    none ? '✓ none of them breaks the promise' : '✗ ' + big(point.b) + ' of them break the promise'), '.');
  if (point.kill) p.append(' ', el('span', { class: 'broken' }, '✗ A kill now breaks it, too.'));
  if (point.m) p.append(' At most ' + plural(point.m, 'acknowledged operation') + ' would be lost.');
  return p;
}
function momentText() {
  const s = stop();
  if (s.kind === 'frame') {
    const f = F[s.i];
    const bits = [];
    if (f.n !== undefined) bits.push('event ' + f.n);
    bits.push(seconds(f.t));
    if (A.lives.length > 1) bits.push('life ' + ((f.l || 0) + 1));
    if (f.s) bits.push('task ' + f.s);
    const who = f.c !== undefined ? 'client ' + f.c + (f.k === 'request' ? ' asks: ' : ' is told: ') : '';
    return [bits.join(' · '), who + f.x + (f.r ? ' → ' + f.r : '')];
  }
  if (s.kind === 'dark')
    return isKill ? ['the kill', 'The process is gone. The page cache stays.']
      : ['the power cut', 'Memory is gone. The disk stands still, and what it kept of the pending is still undecided.'];
  if (s.kind === 'slot') {
    const v = shown(0);
    const slot = v && v.slots[s.slots - 1];
    return ['the disk decides', slot ? slot.x + ': ' + version(slot) : 'another filesystem decides'];
  }
  if (s.kind === 'recovery') {
    const v = shown(0);
    const call = v && v.r && v.r.calls[s.calls - 1];
    return ['recovery', call ? call.x + (call.r ? ' → ' + call.r : '') : 'another filesystem goes on'];
  }
  return ['the verdict', verdictText(0)];
}
function verdictText(n) {
  const v = shown(n);
  if (modes[n] === 'drawn' || !v || !v.r) {
    const d = C[n].verdict;
    return d.held ? '✓ ' + d.line : '✗ broken: ' + d.what + ' (' + d.code + '): ' + d.text;
  }
  if (v.r.broken) return '✗ broken: ' + v.r.broken.what + ' (' + v.r.broken.code + '): ' + v.r.broken.text;
  if (v.r.refused) return '! refuses to start: ' + v.r.refused;
  return '✓ held';
}

function version(slot) {
  const kind = slot.x.split(' ')[0];
  if (kind === 'journal') return 'the first ' + slot.v + ' of ' + slot.hi + ' changes';
  if (kind === 'sync') return slot.v ? 'done' : 'forgotten';
  if (kind === 'stuck-name') return slot.v ? 'kept' : 'lost';
  if (kind === 'garbage') return slot.v ? 'old bytes' : 'NUL';
  if (slot.v === slot.hi) return 'new';
  return slot.v === 0 ? 'old' : 'version ' + slot.v + ' of ' + slot.hi;
}

// --- The panels ---

function sectors(file) {
  const row = el('div', { class: 'sectors' });
  const names = { d: ['d', '■', 'durable'], p: ['p', '▒', 'pending'], s: ['x', '✕', 'stuck'] };
  let sector = 0;
  for (const [, letter, count] of (file.s || '').matchAll(/([dps])(\d+)/g)) {
    const [cls, glyph, word] = names[letter];
    const n = Number(count);
    const few = n <= 16;
    const last = sector + n - 1;
    if (few) for (let i = 0; i < n; ++i) row.append(el('span', { class: 's ' + cls, title: 'sector at ' + (sector + i) * file.u + ': ' + word }, glyph));
    else row.append(el('span', { class: 's many ' + cls, title: 'sectors ' + sector + ' to ' + last + ': ' + word }, glyph + ' ×' + n));
    sector += n;
  }
  return row;
}
function fileList(column, number, touched) {
  const box = el('div');
  const files = column.disks[number] || [];
  if (files.length === 0) box.append(el('p', { class: 'faint' }, 'nothing'));
  for (const f of files) {
    const file = column.files[f];
    const name = el('div', { class: 'name code' + (touched !== undefined && file.p.replace(/\/$/, '') === touched ? ' hit' : '') }, file.p);
    if (file.n === 'pending') name.append(el('span', { class: 'tag' }, '? name pending'));
    if (file.n === 'removed') name.append(el('span', { class: 'tag' }, '↩ removed or replaced, may come back'));
    if (file.z !== undefined) name.append(el('span', { class: 'faint' }, ' ' + file.z + ' bytes' + (file.y !== file.z ? ', ' + file.y + ' durable' : '')));
    const row = el('div', { class: 'file' }, name);
    if (file.s) row.append(sectors(file));
    box.append(row);
  }
  return box;
}
function drawDisk() {
  const f = F[frameNow()];
  $('files').replaceChildren(fileList(A, f.d, f.f !== undefined && stop().kind === 'frame' ? f.f : undefined));
  $('disk').classList.toggle('frozen', stop().kind !== 'frame');
}
function drawTalk() {
  const now = frameNow();
  const life = F[now].l || 0;
  const by = new Map();
  for (let i = A.lives[life].first; i <= now; ++i) {
    const f = F[i];
    if (!f || f.c === undefined || (f.k !== 'request' && f.k !== 'reply')) continue;
    if (!by.has(f.c)) by.set(f.c, []);
    by.get(f.c).push(i);
  }
  const box = $('talk');
  box.replaceChildren();
  if (by.size === 0) box.append(el('p', { class: 'faint' }, 'Nobody has asked anything yet.'));
  for (const [client, list] of [...by].sort((a, b) => a[0] - b[0])) {
    const ol = el('ol');
    for (const i of list.slice(-8)) {
      const f = F[i];
      ol.append(el('li', { class: i === now && stop().kind === 'frame' ? 'current' : '', title: f.x },
        f.k === 'request' ? '→ ' : f.r ? '✗ ' : '← ', el('span', { class: 'code' }, f.x)));
    }
    box.append(el('p', { class: 'faint' }, 'client ' + client + (list.length > 8 ? ', the last of ' + list.length : '')), ol);
  }
}
function operationsUpTo(now) {
  const life = F[now].l || 0;
  const all = [];
  for (let l = 0; l <= life; ++l)
    for (const o of A.lives[l].ops) if (o.a <= now && (l === life || o.o <= A.lives[life].recovered)) all.push(o);
  const latest = new Map(all.map((o) => [o.o, o]));
  return [...latest.values()].sort((a, b) => a.o - b.o);
}
function drawOperations() {
  const now = frameNow();
  const done = stop().kind === 'verdict' ? shown(0) : null;
  const k = done && done.r && done.r.started !== false ? done.r.k : null;
  const all = operationsUpTo(now);
  const rows = $('operations');
  rows.replaceChildren();
  const mark = (reached, word) => el('td', { class: reached ? 'yes' : 'no' }, reached ? '● ' + word : '○');
  for (const o of all.slice(-14)) {
    const here = [o.a, o.w, o.s, o.k].includes(now) && stop().kind === 'frame';
    const gone = k !== null && o.o > k;
    rows.append(el('tr', { class: (here ? 'current ' : '') + (gone ? 'gone' : '') },
      el('td', {}, String(o.o)), el('td', { class: 'request code', title: o.x }, o.x),
      mark(true, 'applied'), mark(true, 'buffered'), mark(o.w !== undefined && o.w <= now, 'written'),
      mark(o.s !== undefined && o.s <= now, 'synced'),
      el('td', {}, o.k !== undefined && o.k <= now ? el('span', { class: 'ack' }, '✓ acked') : '')));
  }
  if (all.length === 0) rows.append(el('tr', {}, el('td', { colspan: '7', class: 'faint' }, 'No operation has taken effect yet.')));
  $('more-operations').textContent = all.length > 14 ? 'The last 14 of ' + all.length + '.' : '';
  $('pipeline').classList.toggle('dead', stop().kind !== 'frame');
}

// --- After the crash ---

function drawModes(n) {
  const column = C[n];
  const life = column.lives[column.cut];
  const row = el('div', { class: 'modes', role: 'group', 'aria-label': 'what the disk kept' });
  const offer = [['drawn', 'as drawn']];
  if (life.outcomes && life.outcomes.length) offer.push(['worst', 'worst'], ['best', 'best']);
  if (life.tree && typeof life.tree === 'object') offer.push(['own', 'choose your own']);
  for (const [mode, text] of offer)
    row.append(el('button', { 'aria-pressed': String(modes[n] === mode), 'data-mode': mode,
      onclick: () => setMode(n, mode) }, text));
  return row;
}
function setMode(n, mode) {
  const kind = stop().kind;
  modes[n] = mode;
  build();
  const same = indexOf(kind === 'frame' ? 'verdict' : kind);
  go(kind === 'frame' ? at : kind === 'verdict' ? stops.length - 1 : same < 0 ? stops.length - 1 : same);
}
function drawSlots(n, view) {
  const list = el('ul', { class: 'slots' });
  const upTo = stop().slots;
  view.slots.forEach((slot, i) => {
    const open = i >= upTo;
    const text = open ? '? undecided' : version(slot);
    const how = el('span', { class: 'how ' + (open ? 'open' : slot.v === slot.hi ? 'new' : slot.v === 0 ? 'old' : '') });
    if (view.own && !open) {
      const select = el('select', { 'aria-label': slot.x });
      for (let v = slot.lo; v <= slot.hi; ++v) {
        const option = el('option', { value: String(v) }, version({ ...slot, v }));
        if (v === slot.v) option.selected = true;
        select.append(option);
      }
      select.addEventListener('change', () => { own[n][slot.x] = Number(select.value); setMode(n, 'own'); });
      how.append(select);
    } else how.append(text);
    list.append(el('li', {}, el('span', { class: 'what code' }, slot.x), how));
  });
  if (view.slots.length === 0) list.append(el('li', {}, el('span', { class: 'faint' }, 'Nothing was undecided: the disk had it all.')));
  return list;
}
function drawRuler(column, recovery) {
  const life = column.lives[column.cut];
  const total = Math.max(1, life.done);
  const w = 300;
  const x = (k) => 8 + (k / total) * (w - 16);
  const box = svg('svg', { viewBox: '0 0 300 74', width: '100%', role: 'img',
    'aria-label': `of ${life.done} operations ${life.acked} acknowledged, ${life.synced} synced as the store held, ${recovery.k} recovered` });
  box.append(svg('rect', { x: 8, y: 30, width: w - 16, height: 8, class: 'lane' }));
  box.append(svg('rect', { x: 8, y: 30, width: x(recovery.k) - 8, height: 8, class: 'r-keep' }));
  if (life.acked > recovery.k)
    box.append(svg('rect', { x: x(recovery.k), y: 30, width: x(life.acked) - x(recovery.k), height: 8, class: 'r-break' }));
  const tick = (k, y, text, up) => {
    box.append(svg('line', { x1: x(k), x2: x(k), y1: up ? 18 : 38, y2: up ? 30 : 50, stroke: 'currentColor' }));
    const near = k / total > 0.6;
    box.append(svg('text', { x: x(k) + (near ? -3 : 3), y, 'text-anchor': near ? 'end' : 'start' }, text));
  };
  tick(life.synced, 14, '⚑ synced ' + life.synced, true);
  tick(recovery.k, 50, '↻ recovered ' + recovery.k, false);
  tick(life.acked, 68, '✓ acked ' + life.acked + ' of ' + life.done, false);
  return box;
}
function lossText(loss) {
  if (!loss || loss.ops === 0) return 'No acknowledged operation is lost.';
  const bound = loss.bound < 0 ? 'the policy gives no bound' : loss.bound === 0 ? 'none may be lost' : 'an age of ' + loss.bound + ' ms is allowed';
  return `${plural(loss.ops, 'acknowledged operation')} lost, span ${loss.span} ms, age ${loss.age} ms; ${bound}.`;
}
function drawColumn(n) {
  const column = C[n];
  const s = stop();
  const box = el('div', { class: 'column', 'data-persona': column.persona });
  box.append(el('h3', {}, column.persona), el('p', { class: 'note' }, column.guarantee));
  if (column.cut === null) { box.append(el('p', {}, 'No crash came here.')); return box; }
  const life = column.lives[column.cut];
  const view = shown(n);
  if (life.how !== 'kill') {
    box.append(drawModes(n));
    if (life.images) {
      const broken = (life.outcomes || []).filter((o) => column.recoveries[o.r].broken);
      const sum = broken.every((o) => o.i !== '') ? broken.reduce((a, o) => a + BigInt(o.i), 0n) : null;
      box.append(el('p', { class: sum === 0n ? 'held' : 'broken' },
        `${big(life.images)} legal image${life.images === '1' ? '' : 's'}: ` +
        (sum === null ? 'some break the promise' : sum === 0n ? '✓ none breaks the promise' : '✗ ' + big(String(sum)) + ' break the promise')));
    }
    box.append(el('h4', {}, 'The disk decides'), drawSlots(n, view));
  } else box.append(el('p', {}, 'A kill leaves the page cache: nothing is undecided.'));
  if (!view.r) { box.append(el('p', { class: 'faint' }, 'No recovery was judged here.')); return box; }
  if (s.kind === 'dark' || s.kind === 'slot') return box;
  box.append(el('h4', {}, 'The disk that recovery finds'), fileList(column, view.r.d));
  box.append(el('h4', {}, 'Recovery, call by call'));
  const ol = el('ol');
  const upTo = s.kind === 'verdict' ? view.r.calls.length : Math.min(s.calls, view.r.calls.length);
  view.r.calls.forEach((call, i) => {
    if (i > upTo + 1 && view.r.calls.length > 12 && i < view.r.calls.length - 1) return;
    if (s.kind === 'verdict' && view.r.calls.length > 12 && i < view.r.calls.length - 6 && i > 3) return;
    ol.append(el('li', { class: i < upTo ? '' : 'todo', value: String(i + 1) }, call.x + (call.r ? ' → ' + call.r : '')));
  });
  box.append(ol);
  if (s.kind !== 'verdict') return box;
  for (const line of view.r.story) box.append(el('p', {}, line));
  if (view.r.refused) box.append(el('p', { class: 'broken' }, '✗ ' + view.r.refused));
  if (view.r.holds.length) {
    box.append(el('h4', {}, 'What it holds now'));
    const ul = el('ul', { class: 'code' });
    for (const line of view.r.holds) ul.append(el('li', {}, line));
    box.append(ul);
  }
  const dropped = column.lives.flatMap((l) => l.ops).filter((o) => o.o > view.r.k && o.o <= life.done);
  if (view.r.started !== false && dropped.length) {
    box.append(el('h4', {}, 'Dropped'));
    const ul = el('ul');
    for (const o of dropped.slice(0, 8)) ul.append(el('li', { class: 'gone code' }, o.o + ' ' + o.x));
    if (dropped.length > 8) ul.append(el('li', {}, 'and ' + (dropped.length - 8) + ' more'));
    box.append(ul);
  }
  const text = verdictText(n);
  box.append(el('h4', {}, 'Verdict'));
  if (view.r.started !== false) box.append(drawRuler(column, view.r));
  box.append(el('p', { class: 'result ' + (text.startsWith('✓') ? 'held' : 'broken') }, el('strong', {}, text)), el('p', {}, lossText(view.r.loss)));
  return box;
}
function drawAfter() {
  const over = stop().kind !== 'frame';
  $('after').hidden = !over;
  $('why').hidden = stop().kind !== 'verdict';
  if (!over) return;
  $('after-note').textContent = isKill ? 'The process is killed; the machine runs on.'
    : 'One run up to the cut; from there a column for each filesystem. Switch between what was drawn, the worst, the best, and your own.';
  $('columns').replaceChildren(...C.map((_, n) => drawColumn(n)));
}
function drawWhy() {
  const list = $('because');
  list.replaceChildren();
  for (const step of A.because) {
    const li = el('li', {}, step.x);
    if (step.f !== undefined && F[step.f]) li.append(el('button', { title: 'go there', onclick: () => toFrame(step.f) },
      F[step.f].n !== undefined ? '↗ event ' + F[step.f].n : '↗ ' + seconds(F[step.f].t)));
    list.append(li);
  }
  const box = $('remedies');
  box.replaceChildren();
  for (const r of D.remedies.slice(0, 3))
    box.append(el('p', { class: 'remedy' }, '✓ With this sync it holds (tried): a sync of ', el('span', { class: 'code' }, r.path),
      ' after ' + r.after + ' and before ' + r.before + '.'));
  if (!A.verdict.held && D.remedies.length === 0)
    box.append(el('p', { class: 'note' }, 'No single sync would have saved this run.'));
}

// --- The timeline: an equal step for each moment, lanes below each other ---

const LANES = ['lives', 'clients', 'calls', 'syncs', 'faults', 'risk'];
const HEIGHT = { lives: 16, clients: 22, calls: 18, syncs: 18, faults: 18, risk: 64 };
const LEFT = 62;
let step = 9;
function laneTops() {
  const tops = {};
  let y = 4;
  for (const lane of LANES) { tops[lane] = y; y += HEIGHT[lane] + 6; }
  return [tops, y];
}
function drawLanes() {
  const count = lastFrame + 1;
  const room = Math.max(200, $('lanes').clientWidth - LEFT - 18);
  step = Math.max(4, Math.min(40, room / count));
  const [tops, height] = laneTops();
  const width = LEFT + count * step + 8;
  const box = svg('svg', { width, height: height + 14, role: 'img', 'aria-label': 'timeline; the table below has the same' });
  const x = (i) => LEFT + i * step;
  for (const lane of LANES) {
    box.append(svg('rect', { x: LEFT, y: tops[lane], width: count * step, height: HEIGHT[lane], class: 'lane' }));
    box.append(svg('text', { x: 2, y: tops[lane] + Math.min(HEIGHT[lane] - 4, 13) }, lane));
  }
  A.lives.forEach((life, n) => {
    if (life.first > lastFrame) return;
    const last = Math.min(life.last, lastFrame);
    box.append(svg('rect', { x: x(life.first), y: tops.lives + 2, width: (last - life.first + 1) * step - 1, height: 12, class: 'm-life' }));
    box.append(svg('text', { x: x(life.first) + 3, y: tops.lives + 12 }, 'life ' + (n + 1)));
  });
  const most = Math.max(1, ...A.risk.map((p) => p.i.length));
  for (let i = 0; i <= lastFrame; ++i) {
    const f = F[i];
    if (!f) continue;
    const mark = (lane, cls, glyph) => {
      const node = svg('text', { x: x(i) + step / 2, y: tops[lane] + HEIGHT[lane] / 2 + 4, 'text-anchor': 'middle', class: cls }, glyph);
      node.append(svg('title', {}, f.x));
      box.append(node);
    };
    if (f.k === 'request') mark('clients', 'm-request', '›');
    else if (f.k === 'reply') mark('clients', 'm-reply', f.r ? '✗' : '✓');
    else if (f.k === 'sync' || f.k === 'sync_directory') mark('syncs', 'm-sync', f.r ? '✗' : '◆');
    else if (f.n !== undefined && !['power cut', 'kill', 'clock', 'died'].includes(f.k)) mark('calls', 'm-call', f.k === 'write' ? '▪' : f.k === 'read' ? '▫' : '·');
    if (['power cut', 'kill', 'clock', 'died'].includes(f.k) || (f.r && ['EIO', 'ENOSPC', 'EACCES'].includes(f.r))) mark('faults', 'm-fault', f.k === 'power cut' ? '⚡' : '✕');
    const point = riskAt(i);
    if (point && point.i !== '') {
      const h = Math.max(3, (point.i.length / most) * (HEIGHT.risk - 4));
      const log = (digits) => Math.log10(Number(digits) + 1);
      const full = log(point.i) / Math.max(0.31, log('9'.repeat(Math.min(most, 300))));
      const tall = Math.max(2, Math.min(1, full) * (HEIGHT.risk - 4)) || h;
      const share = point.b === '' ? 0 : point.b === '0' ? 0 : Math.max(0.08, Number(point.b) / Number(point.i));
      const bottom = tops.risk + HEIGHT.risk - 1;
      const bar = svg('rect', { x: x(i), y: bottom - tall, width: Math.max(1, step - 1), height: tall, class: 'r-keep' });
      bar.append(svg('title', {}, big(point.i) + ' images, ' + (point.b === '' ? 'unknown how many' : big(point.b)) + ' break the promise'));
      box.append(bar);
      if (share > 0) box.append(svg('rect', { x: x(i), y: bottom - tall * share, width: Math.max(1, step - 1), height: tall * share, class: 'r-break' }));
    }
  }
  box.append(svg('rect', { id: 'cursor', x: LEFT, y: 1, width: step, height: height - 4 }));
  box.addEventListener('click', (event) => {
    const i = Math.floor((event.clientX - box.getBoundingClientRect().left - LEFT) / step);
    if (i >= 0) toFrame(Math.min(lastFrame, i));
  });
  $('lanes').replaceChildren(box);
  if (A.elided) $('lanes').append(el('p', { class: 'note' }, `Moments ${A.elided.from} to ${A.elided.to} are left out: the page would be too large.`));
}
function moveCursor() {
  const cursor = $('cursor');
  if (!cursor) return;
  const i = frameNow();
  cursor.setAttribute('x', LEFT + i * step);
  cursor.setAttribute('width', step);
  const lanes = $('lanes');
  const x = LEFT + i * step;
  if (x < lanes.scrollLeft + LEFT || x > lanes.scrollLeft + lanes.clientWidth - 40) lanes.scrollLeft = Math.max(0, x - lanes.clientWidth / 2);
}

// --- All together ---

function draw() {
  const [where, what] = momentText();
  $('moment').replaceChildren(el('span', { class: 'faint' }, where + ' — '), el('strong', { id: 'what' }, what));
  $('hangs').replaceChildren(stop().kind === 'frame' ? hangsText(riskAt(stop().i)) : '');
  document.body.dataset.kind = stop().kind;
  document.body.dataset.at = String(at);
  drawTalk();
  drawOperations();
  drawDisk();
  drawAfter();
  drawWhy();
  moveCursor();
  for (const kind of ['cut', 'recovery', 'verdict']) $(kind).disabled = A.cut === null;
}
function nextOperation(direction) {
  const now = frameNow();
  const frames = A.lives.flatMap((l) => l.ops.map((o) => o.a)).filter((i) => i <= lastFrame).sort((a, b) => a - b);
  const found = direction > 0 ? frames.find((i) => i > now) : frames.filter((i) => i < now).pop();
  if (found !== undefined) toFrame(found);
}
function search(text) {
  const wanted = text.trim().toLowerCase();
  if (wanted === '') return;
  const hit = (f) => f && (String(f.n) === wanted || f.x.toLowerCase().includes(wanted));
  const now = frameNow();
  for (let d = 1; d <= lastFrame + 1; ++d) {
    const i = (now + d) % (lastFrame + 1);
    if (hit(F[i])) return toFrame(i);
  }
  $('search').setCustomValidity('nothing found');
  $('search').reportValidity();
  setTimeout(() => $('search').setCustomValidity(''), 1500);
}
let playing = null;
function play() {
  if (playing !== null) { clearInterval(playing); playing = null; } else {
    if (at === stops.length - 1) at = 0;
    playing = setInterval(() => { if (at >= stops.length - 1) play(); else go(at + 1); }, 350);
  }
  $('play-sign').textContent = playing === null ? '►' : 'Ⅱ';
}
function theme() {
  const root = document.documentElement;
  const dark = root.dataset.theme ? root.dataset.theme === 'dark' : matchMedia('(prefers-color-scheme: dark)').matches;
  root.dataset.theme = dark ? 'light' : 'dark';
}
const KEYS = [
  ['→ ←', 'next and previous moment'], ['o O', 'next and previous operation'], ['c', 'the cut'], ['r', 'the recovery'],
  ['v', 'the verdict'], ['1 2 3 4', 'as drawn, worst, best, choose your own'], ['/', 'search: text or event number'],
  ['space', 'play and pause'], ['Home End', 'first and last'], ['d', 'dark or light'], ['t', 'all moments as a table'], ['?', 'this'],
];
function onKey(event) {
  if (event.target.matches('input[type=search], select') || event.ctrlKey || event.altKey || event.metaKey) return;
  const actions = {
    ArrowRight: () => go(at + 1), ArrowLeft: () => go(at - 1), Home: () => go(0), End: () => go(stops.length - 1),
    o: () => nextOperation(1), O: () => nextOperation(-1), c: () => go(indexOf('dark')), r: () => go(Math.max(indexOf('recovery'), 0)),
    v: () => go(stops.length - 1), '/': () => $('search').focus(), '?': () => $('keys').showModal(), ' ': play, d: theme,
    t: () => { $('all').open = !$('all').open; fillTable(); },
    1: () => setMode(0, 'drawn'), 2: () => setMode(0, 'worst'), 3: () => setMode(0, 'best'), 4: () => setMode(0, 'own'),
  };
  const action = actions[event.key];
  if (!action || (event.key === ' ' && event.target.matches('button, summary'))) return;
  event.preventDefault();
  action();
}
function fillTable() {
  if ($('rows').childElementCount > 0) return;
  const body = document.createDocumentFragment();
  F.forEach((f, i) => {
    if (!f) return;
    const point = riskAt(i);
    body.append(el('tr', {}, el('td', {}, f.n === undefined ? '' : String(f.n)), el('td', {}, (f.t / 1e6).toFixed(6)), el('td', {}, String((f.l || 0) + 1)),
      el('td', {}, (f.c !== undefined ? 'client ' + f.c + ' ' + f.k + ': ' : '') + f.x), el('td', {}, f.r || ''), el('td', {}, point ? big(point.i) : ''), el('td', {}, point ? big(point.b) : '')));
  });
  $('rows').append(body);
}
function begin() {
  document.title = D.title + ' — powercut view';
  $('title').textContent = D.title;
  $('subject').textContent = `Policy ${D.policy.name}: ${D.policy.promise}. ` + (D.mutant ? `Planted bug ${D.mutant.name}: ${D.mutant.story}.` : '');
  const held = A.verdict.held;
  $('chip').className = held ? 'held' : 'broken';
  $('chip').textContent = (held ? '✓ ' : '✗ broken: ') + (held ? A.verdict.line : A.verdict.what);
  $('legend').append(...[['› request', ''], ['✓ reply', ''], ['▪ write ▫ read · other call', ''], ['◆ sync', ''], ['✕ fault ⚡ power cut', ''],
    ['risk: the height is how many legal images there are (log), ', ''], ['the filled foot, how many break the promise', '']].map(([t]) => el('span', {}, t)));
  $('story').textContent = A.story;
  for (const [name, text] of D.glossary) $('glossary').append(el('dt', {}, name), el('dd', {}, text));
  for (const [key, what] of KEYS) $('key-rows').append(el('tr', {}, el('td', { class: 'code' }, key), el('td', {}, what)));
  $('foot').textContent = `powercut ${D.version}: ${D.command}`;
  build();
  $('first').onclick = () => go(0); $('back').onclick = () => go(at - 1); $('next').onclick = () => go(at + 1);
  $('play').onclick = play; $('op').onclick = () => nextOperation(1); $('cut').onclick = () => go(indexOf('dark'));
  $('recovery').onclick = () => go(Math.max(indexOf('recovery'), 0)); $('verdict').onclick = () => go(stops.length - 1);
  $('theme').onclick = theme; $('help').onclick = () => $('keys').showModal();
  $('slider').oninput = () => go(Number($('slider').value));
  $('search').onkeydown = (event) => { if (event.key === 'Enter') search($('search').value); if (event.key === 'Escape') $('search').blur(); };
  $('all').ontoggle = fillTable;
  document.addEventListener('keydown', onKey);
  addEventListener('resize', () => { drawLanes(); moveCursor(); });
  addEventListener('beforeprint', fillTable);
  const asked = /^#(\d+|cut|recovery|verdict)$/.exec(location.hash);
  go(!asked ? 0 : asked[1] === 'cut' ? indexOf('dark') : asked[1] === 'recovery' ? indexOf('recovery')
    : asked[1] === 'verdict' ? stops.length - 1 : Number(asked[1]));
  drawLanes();  // as wide as there is room now
  moveCursor();
  document.body.dataset.ready = 'yes';
}
begin();
