import type { LiveSocketOptions } from 'livesocket'
import { breakable, LiveSocketDevtools } from 'livesocket/devtools'
import { LiveSocketProvider, useLiveReducer, useLiveSocket, useLiveStatus } from 'livesocket/react'
import { StrictMode, useEffect, useState, type ReactNode } from 'react'
import { createRoot } from 'react-dom/client'
import type { Numbered } from '../../../test/kit/publisher.js'
import { noTally, tally } from './tally.js'

interface Topics {
  feed: Numbered
}

// The devtools need a class whose connections they can break.
const wire = breakable()

async function signIn() {
  await fetch(`/login?visitor=${crypto.randomUUID()}`, { method: 'POST' })
}

async function fetchToken(signal: AbortSignal) {
  const response = await fetch('/token', { method: 'POST', signal })
  if (response.status === 401) return { ended: 'the login is over' }
  if (!response.ok) throw new Error(`The token service answered ${response.status}.`)
  return (await response.json()) as { token: string; ttl: number }
}

function Badge() {
  const status = useLiveStatus()
  const handingOver = useLiveStatus(({ handover }) => handover !== null)
  return (
    <span className="badge" data-state={status === 'live' ? 'live' : 'down'} role="status">
      {status === 'live' && handingOver ? 'live, handing over' : status}
    </span>
  )
}

function Counts() {
  const { delivered, lost, repeated } = useLiveReducer<'feed', typeof noTally, Topics>('feed', tally, noTally)
  const counts = [
    ['Lost', lost],
    ['Duplicated', repeated],
    ['Delivered', delivered],
  ] as const
  return (
    <dl>
      {counts.map(([name, count]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd data-count={name} data-bad={(name !== 'Delivered' && count > 0) || undefined}>
            {count.toLocaleString('en')}
          </dd>
        </div>
      ))}
    </dl>
  )
}

const ACTIONS = [
  ['deploy', 'Deploy', 'd'],
  ['crash', 'Crash', 'c'],
  ['cut', 'Cut the network', 'n'],
  ['freeze', 'Freeze the path', 'f'],
] as const

const act = (action: string) => void fetch(`/control/${action}`, { method: 'POST' })

const ENDED = 'The demo has ended. Start it again and reload this page.'

/** Buttons and news of the servers, which come from the page's own server and not over the live socket. */
function Controls() {
  const [busy, setBusy] = useState(false)
  const [text, setText] = useState('Running. Press Deploy: new servers replace both servers, which then close.')
  useEffect(() => {
    const servers = new EventSource(`/events/${socketPort}`)
    servers.addEventListener('error', () => {
      setBusy(true)
      setText(ENDED)
    })
    servers.addEventListener('open', () => setText((text) => (text === ENDED ? 'The demo answers again.' : text)))
    servers.addEventListener('state', ({ data }) =>
      setBusy((JSON.parse(data as string) as { busy: unknown }).busy !== null),
    )
    servers.addEventListener('action', ({ data }) => setText((JSON.parse(data as string) as { text: string }).text))
    return () => servers.close()
  }, [])
  useEffect(() => {
    if (busy) return
    const pressed = (event: KeyboardEvent) => {
      // In the select box of the devtools a letter selects an option.
      if (
        event.ctrlKey ||
        event.metaKey ||
        event.altKey ||
        event.repeat ||
        event.composedPath()[0] instanceof HTMLSelectElement
      )
        return
      const [action] = ACTIONS.find(([, , key]) => key === event.key.toLowerCase()) ?? []
      if (action) act(action)
    }
    addEventListener('keydown', pressed)
    return () => removeEventListener('keydown', pressed)
  }, [busy])
  return (
    <section className="controls" aria-label="What happens to the servers and the network">
      <div className="buttons">
        {ACTIONS.map(([action, name, key], index) => (
          <button
            key={action}
            className={index === 0 ? 'primary' : undefined}
            data-action={action}
            aria-keyshortcuts={key}
            disabled={busy}
            onClick={() => act(action)}
          >
            {name} <kbd>{key.toUpperCase()}</kbd>
          </button>
        ))}
      </div>
      <p id="status" role="status">
        {text}
      </p>
    </section>
  )
}

function Devtools() {
  return <LiveSocketDevtools socket={useLiveSocket()} wire={wire} />
}

function Page({ options, children }: { options: LiveSocketOptions; children: ReactNode }) {
  return (
    <LiveSocketProvider options={options}>
      {children}
      <article className="side ours" aria-label="The feed">
        <div className="title">
          <h2>The feed, through hooks</h2>
          <Badge />
        </div>
        <Counts />
      </article>
      <Devtools />
    </LiveSocketProvider>
  )
}

const [{ socketPort }] = await Promise.all([
  (await fetch('/config')).json() as Promise<{ socketPort: number }>,
  signIn(),
])
const options: LiveSocketOptions = {
  url: `${location.protocol === 'https:' ? 'wss' : 'ws'}://${location.hostname}:${socketPort}/live`,
  getToken: ({ signal }) => fetchToken(signal),
  // A spread of one second is enough for one visitor. With a hundred messages a second, a second of silence is suspect.
  reconnect: { spread: 1_000 },
  heartbeat: { interval: 1_000, timeout: 1_000 },
  environment: { WebSocket: wire },
}

createRoot(document.getElementById('root')!).render(
  <StrictMode>
    <Page options={options}>
      <header>
        <h1>The same page, in React.</h1>
        <p>
          A hundred messages a second go through one reducer; the page renders at most once a frame. Below are the
          devtools. <a href="/">The plain page</a> compares LiveSocket with another client.
        </p>
      </header>
      <Controls />
    </Page>
  </StrictMode>,
)
