import { createChecker } from '../../test/kit/checker.ts'
import { connectLiveSocket, connectReconnecting } from './clients.js'
import { createRoom } from './room.js'
import { createTimeline } from './timeline.js'

const element = (id) => document.getElementById(id)
const status = element('status')
const calm = matchMedia('(prefers-reduced-motion: reduce)')
const now = () => performance.now()

const { socketPort, rate } = await (await fetch('/config')).json()
const url = `${location.protocol === 'https:' ? 'wss' : 'ws'}://${location.hostname}:${socketPort}/live`
element('rate').textContent = rate

// Both clients are compared with what the publisher has sent. The server reports that about a second late, so that messages
// under way do not count as lost.
let checker
let sides
let room

function createSide(name, connect) {
  const timeline = createTimeline(element(`${name}-timeline`), name)
  const badge = element(`${name}-badge`)
  const side = { name, timeline, checked: checker.client(name), lost: 0, longest: 0, lastAt: null, before: null }
  side.socket = connect(url, {
    delivered({ from, n }, offset) {
      const at = now()
      if (side.lastAt !== null) side.longest = Math.max(side.longest, at - side.lastAt)
      side.lastAt = at
      timeline.delivered(at)
      side.checked.delivered(from, n, offset)
    },
    gap: (topic, from, to) => side.checked.gap(topic, from, to),
    live(live, word) {
      side.checked.live(live)
      badge.textContent = word
      badge.dataset.state = live ? 'live' : 'down'
    },
    dialling: (leg) => timeline.dialling(leg, now()),
    ready: (leg, server) => timeline.ready(leg, server, now()),
    closed: (leg) => timeline.closed(leg, now()),
  })
  return side
}

function startOver() {
  checker = createChecker(now)
  for (const side of sides) {
    side.checked = checker.client(side.name)
    side.checked.live(element(`${side.name}-badge`).dataset.state === 'live')
    side.lost = 0
    side.longest = 0
    side.before = null
  }
  room.startOver()
}

const duration = (ms) => (ms >= 1_000 ? `${(ms / 1_000).toFixed(1)} s` : `${Math.round(ms)} ms`)
const count = new Intl.NumberFormat('en')

function show(side, field, text, bad) {
  const cell = document.querySelector(`[data-${side.name}="${field}"]`)
  if (cell.textContent !== text) cell.textContent = text
  cell.toggleAttribute('data-bad', bad)
}

/** Milliseconds without a message after which a client counts as silent. */
const SILENT = 500

function showCounts() {
  for (const side of sides) {
    const summary = checker.summary(side.name)
    for (const field of ['repeated', 'reordered']) show(side, field, count.format(summary[field]), summary[field] > 0)
    // Missing messages may still come to a silent client. Only those that later messages have overtaken are lost.
    const down = element(`${side.name}-badge`).dataset.state === 'down'
    if (!down && now() - side.lastAt < SILENT) side.lost = summary.lost
    show(side, 'lost', count.format(side.lost), side.lost > 0)
    show(side, 'notLive', duration(summary.notLive), summary.notLive > 0)
    const silence = side.lastAt === null ? 0 : Math.max(side.longest, side.before?.longest ?? 0, now() - side.lastAt)
    show(side, 'silence', duration(silence), silence >= 1_000)
    show(side, 'delivered', count.format(summary.delivered), false)
  }
}

let drawnAt = 0
function draw() {
  const at = now()
  // For users who prefer reduced motion the picture is updated once a second instead of running.
  if (!calm.matches || at - drawnAt >= 1_000) {
    drawnAt = at
    for (const side of sides) side.timeline.draw(at)
  }
  requestAnimationFrame(draw)
}

const ENDED = 'The demo has ended. Start it again and reload this page.'

const servers = new EventSource(`/events/${socketPort}`)
servers.addEventListener('error', () => {
  clearTimeout(verdictTimer)
  status.textContent = ENDED
  for (const button of document.querySelectorAll('[data-action]')) button.disabled = true
})
servers.addEventListener('open', () => {
  if (status.textContent === ENDED) status.textContent = 'The demo answers again.'
})
servers.addEventListener('state', ({ data }) => {
  const state = JSON.parse(data)
  checker.sent('feed', state.sent)
  const behind = state.servers.map((one) => one.id + (one.taking ? '' : ' (draining)')).join(', ') || 'none'
  element('servers').textContent =
    `Behind the balancer: ${behind}. ` +
    `${count.format(state.published)} published, ${count.format(state.tokens)} tokens signed.`
  for (const button of document.querySelectorAll('[data-action]')) button.disabled = state.busy !== null
})
servers.addEventListener('action', ({ data }) => {
  const { label, text } = JSON.parse(data)
  status.textContent = text
  clearTimeout(verdictTimer)
  if (label) {
    void room.ask()
    for (const side of sides) {
      side.timeline.mark(label, now())
      side.before = { lost: checker.summary(side.name).lost, longest: side.longest }
      side.longest = 0
    }
  } else verdictTimer = setTimeout(() => void (status.textContent = `${text} ${verdict()}`), VERDICT_AFTER)
})

// A reconnection takes up to five seconds; only then is it clear what was lost.
const VERDICT_AFTER = 5_500
let verdictTimer = 0

function verdict() {
  const [ours, theirs] = sides.map((side) => {
    const silence = Math.max(side.longest, now() - side.lastAt)
    const lost = checker.summary(side.name).lost - (side.before?.lost ?? 0)
    side.longest = Math.max(silence, side.before?.longest ?? 0)
    return `lost ${count.format(Math.max(0, lost))} and was silent for ${duration(silence)}`
  })
  return `LiveSocket ${ours}; reconnecting-websocket ${theirs}.`
}

async function act(action) {
  await fetch(`/control/${action}`, { method: 'POST' })
}
for (const button of document.querySelectorAll('[data-action]')) {
  button.addEventListener('click', () => void act(button.dataset.action))
}
addEventListener('keydown', (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.repeat) return
  const button = document.querySelector(`[aria-keyshortcuts="${event.key.toLowerCase()}"]`)
  if (button && !button.disabled) button.click()
})
element('reset').addEventListener('click', startOver)

checker = createChecker(now)
sides = [createSide('ours', connectLiveSocket), createSide('theirs', connectReconnecting)]
room = createRoom(sides[0].socket)
setInterval(showCounts, 250)
draw()
status.textContent = 'Running. Press Deploy: new servers replace both servers, which then close.'
