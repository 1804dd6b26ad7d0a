import { createHash } from 'node:crypto'

export interface StatusPage {
  readonly html: string
  /** Allows this page's own script and style, and asking `/status`; nothing else. */
  readonly contentSecurityPolicy: string
}

const style = `
:root { color-scheme: light dark; font: 15px/1.5 system-ui, sans-serif }
body { max-width: 62rem; margin: 2rem auto; padding: 0 1rem }
h1 { font-size: 1.3rem; margin: 0 } h2 { font-size: 1rem; margin: 1.6rem 0 .4rem }
#bottleneck { font-size: 1.1rem; margin: .8rem 0; padding: .6rem .8rem; border-left: .3rem solid #3a7; background: #8881 }
#bottleneck.held { border-color: #d80 } #bottleneck.down { border-color: #d33 }
table { border-collapse: collapse; width: 100% }
th, td { text-align: left; padding: .2rem .8rem .2rem 0; border-bottom: 1px solid #8883; font-variant-numeric: tabular-nums }
th { font-weight: 600 } .number { text-align: right } .quiet { opacity: .65 } .bad { color: #d33 }
.wide { overflow-x: auto } #numbers td:last-child { width: 50% } #dependencies td:last-child { overflow-wrap: anywhere }
`

// Texts get into the page through textContent only: whatever a dependency's error says stays text.
const script = `
'use strict'
const $ = (id) => document.getElementById(id)
const count = (n) => n === undefined || n === null ? '–' : Math.round(n).toLocaleString('en-US')
const ms = (n) => n === undefined || n === null ? '–' : n < 1000 ? Math.round(n) + ' ms'
  : n < 120000 ? (n / 1000).toFixed(1) + ' s' : n < 7200000 ? Math.round(n / 60000) + ' min' : (n / 3600000).toFixed(1) + ' h'
const bytes = (n) => n < 1024 ? n + ' B' : n < 1048576 ? (n / 1024).toFixed(1) + ' KiB' : (n / 1048576).toFixed(1) + ' MiB'
function fill(id, rows) {
  $(id).replaceChildren(...rows.map((cells) => {
    const row = document.createElement('tr')
    for (const cell of cells) {
      const td = document.createElement('td')
      td.textContent = cell.text ?? cell
      if (cell.mark) td.className = cell.mark
      row.append(td)
    }
    return row
  }))
}
const each = (n, more) => n === undefined || n === null ? '' : ms(n) + ' each, ' + more
const number = (text) => ({ text, mark: 'number' })
function show(s) {
  $('state').textContent = s.state + ', up ' + ms(s.uptimeMs) + ', version ' + s.version
  $('bottleneck').textContent = s.bottleneck.sentence
  const down = s.dependencies.some((d) => d.state === 'down')
  $('bottleneck').className = down ? 'down' : s.bottleneck.at === 'nothing' ? '' : 'held'
  const c = s.counters, r = s.rates
  fill('numbers', [
    ['processed', number(count(c.processed)), count(r.recordsPerSecond) + ' records/s'],
    ['errors (dead letters)', number(count(c.errors)), Object.entries(c.rejectedByReason).map(([k, v]) => k + ' ' + count(v)).join(', ')],
    ['retried', number(count(c.retried)), ''],
    ['dropped', number(count(c.dropped)), Object.entries(c.droppedByPolicy).map(([k, v]) => k + ' ' + count(v)).join(', ')],
    ['released', number(count(c.released)), ''],
    ['lag', number(count(s.lag)), ''],
    ['held', number(count(s.buffered.records)), bytes(s.buffered.bytes)],
    ['NLP calls in flight', number(s.nlp.inFlight + ' of ' + s.nlp.limit), each(r.nlp.msEach, count(r.nlp.perSecond) + '/s')],
    ['bulk requests in flight', number(count(s.bulk.inFlight)), each(r.bulk.msEach, count(r.bulk.documentsEach) + ' documents')],
    ['event loop', number(Math.round(r.eventLoopBusy * 100) + ' %'), 'busy'],
  ])
  fill('dependencies', s.dependencies.map((d) => [
    d.name, { text: d.state === 'unknown' ? 'not used yet' : d.state, mark: { down: 'bad', unknown: 'quiet' }[d.state] ?? '' }, d.state === 'unknown' ? '' : ms(d.forMs), d.why ? d.why.message : '',
  ]))
  $('assigned').hidden = s.partitions.length === 0
  fill('partitions', s.partitions.map((p) => [
    p.topic + '-' + p.partition, number(count(p.lag)), number(count(p.committed)), number(count(p.highWatermark)), number(count(p.unsettled)), p.paused ? 'paused' : '',
  ]))
  $('drain').textContent = s.drain ? 'draining for ' + ms(s.drain.forMs) + ' (' + s.drain.reason + '), ' + ms(s.drain.msLeft) + ' left' : ''
}
async function refresh() {
  try {
    const answer = await fetch('status', { cache: 'no-store', signal: AbortSignal.timeout(5000) })
    show(await answer.json())
    $('fresh').textContent = 'as of ' + new Date().toLocaleTimeString()
  } catch {
    $('fresh').textContent = 'no answer from the daemon since the last refresh'
  }
  setTimeout(refresh, 2000)
}
refresh()
`

const body = `
<h1>enrichd <span id="state" class="quiet"></span></h1>
<p id="bottleneck" role="status">asking…</p>
<p id="drain"></p>
<h2>Records</h2><table><tbody id="numbers"></tbody></table>
<h2>Dependencies</h2>
<table><thead><tr><th>name</th><th>state</th><th>for</th><th>why</th></tr></thead><tbody id="dependencies"></tbody></table>
<div id="assigned" class="wide" hidden><h2>Partitions</h2><table><thead><tr><th>partition</th><th class="number">lag</th><th class="number">committed</th><th class="number">end</th><th class="number">unsettled</th><th></th></tr></thead><tbody id="partitions"></tbody></table></div>
<p class="quiet"><span id="fresh"></span> · <a href="status">status as JSON</a> · <a href="metrics">metrics</a></p>
<noscript>This page needs JavaScript; <a href="status">the same as JSON</a> does not.</noscript>
`

/** The status page: one document without anything from elsewhere, that asks `/status` every 2 s. */
export function statusPage(): StatusPage {
  const html =
    '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>enrichd</title>' +
    '<meta name="viewport" content="width=device-width, initial-scale=1"><link rel="icon" href="data:,">' +
    `<style>${style}</style></head><body>${body}<script>${script}</script></body></html>`
  const contentSecurityPolicy = [
    "default-src 'none'",
    `script-src ${hashOf(script)}`,
    `style-src ${hashOf(style)}`,
    'img-src data:',
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; ')
  return { html, contentSecurityPolicy }
}

function hashOf(text: string): string {
  return `'sha256-${createHash('sha256').update(text).digest('base64')}'`
}
