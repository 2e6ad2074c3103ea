import { LiveSocketError } from 'livesocket'
import { history } from 'livesocket/history'
import { createLiveHooks, usePresence, type LogEntry } from 'livesocket/react'
import { useEffect, useRef, useState, useSyncExternalStore, type FormEvent } from 'react'
import type { Methods, Mood, Signal, Topics } from './topics.js'

const { useLiveLog, useLiveSocket, useLiveStatus, usePublish, useRequest, useSignal, useTopicStatus } = createLiveHooks<
  Topics,
  Topics,
  Methods
>()

export function Room({ room, name }: { room: string; name: string }) {
  const topic = `room:${room}` as const
  const status = useLiveStatus()
  const why = useLiveStatus((state) => state.lastError?.message)
  const over = useLiveStatus(({ closed }) => closed?.by === 'session-ended')
  const served = useTopicStatus(topic)
  const { request, error } = useRequest('about')
  const [about, setAbout] = useState<{ messages: number; members: number }>()
  if (typeof served === 'object') return <p role="alert">{served.reason ?? served.code}</p>
  return (
    <main>
      <header>
        <h1>{room}</h1>
        <span role="status" data-status={status} title={why}>
          {status}
        </span>
        <button type="button" onClick={() => request({ room }).then(setAbout, () => setAbout(undefined))}>
          About
        </button>
        {about && (
          <output>
            {about.messages} messages, {about.members} members
          </output>
        )}
        {error && <span role="alert">{error.reason ?? error.code}</span>}
        <a hidden={!over} href={location.href} onClick={() => sessionStorage.removeItem('name')}>
          Your login has expired: enter again
        </a>
      </header>
      <Members topic={topic} />
      <Messages topic={topic} name={name} />
      <Composer topic={topic} />
    </main>
  )
}

function onVisibility(changed: () => void) {
  document.addEventListener('visibilitychange', changed)
  return () => document.removeEventListener('visibilitychange', changed)
}

function Members({ topic }: { topic: keyof Topics }) {
  const away = useSyncExternalStore(onVisibility, () => document.hidden)
  const members = usePresence<Mood, string>(topic, { away })
  return (
    <ul className="members" aria-label="Members">
      {members.map(({ id, user, data, connections }) => (
        <li key={id} data-away={data.away}>
          {user}
          {connections.length > 1 && ` ×${connections.length}`}
        </li>
      ))}
    </ul>
  )
}

function Messages({ topic, name }: { topic: keyof Topics; name: string }) {
  const socket = useLiveSocket()
  const [gap, setGap] = useState(false)
  // Own messages are in the log at once: first as pending, then as published.
  const log = useLiveLog(topic, { last: 30, limit: 1_000, optimistic: true, onGap: () => setGap(true) })
  const [older, setOlder] = useState<LogEntry<{ text: string }>[]>([])
  const [atStart, setAtStart] = useState(false)

  async function page() {
    const before = [...older, ...log].find((one) => one.own === undefined)
    const found = await history(socket, topic, { limit: 30, ...(before && { before }) })
    setAtStart(found.length === 0)
    setOlder([...found, ...older])
  }

  return (
    <ol className="messages" aria-label="Messages">
      <button type="button" hidden={atStart} onClick={() => void page()}>
        Older
      </button>
      {gap && <li role="note">Some messages are missing and cannot be loaded.</li>}
      {[...older, ...log].map((one, at) => {
        if (one.own === undefined)
          return <Line key={one.id ?? `${one.epoch} ${one.offset}`} by={one.by} text={one.data.text} />
        return <Line key={one.id ?? at} by={name} text={one.data.text} own={one.own} dismiss={one.dismiss} />
      })}
    </ol>
  )
}

type LineProps = { by: unknown; text: string; own?: 'pending' | LiveSocketError; dismiss?: () => void }

function Line({ by, text, own, dismiss }: LineProps) {
  const failed = own instanceof LiveSocketError && own
  return (
    <li data-own={failed ? 'failed' : own}>
      <b>{String(by)}</b> {text}
      {failed && <button type="button" onClick={dismiss}>{`${failed.reason ?? failed.code}: dismiss`}</button>}
    </li>
  )
}

function Composer({ topic }: { topic: keyof Topics }) {
  const { publish } = usePublish(topic)
  const [typing, setTyping] = useState<{ by: unknown }>()
  const signal = useSignal(topic, (data, { by }) => setTyping((data as Signal).typing ? { by } : undefined))
  useEffect(() => {
    if (!typing) return
    const timer = setTimeout(() => setTyping(undefined), 3_000)
    return () => clearTimeout(timer)
  }, [typing])
  const input = useRef<HTMLInputElement>(null)

  function send(event: FormEvent) {
    event.preventDefault()
    const text = input.current!.value.trim()
    if (text === '') return
    input.current!.value = ''
    // The log shows the outcome.
    void publish({ text })
    signal({ typing: false } satisfies Signal)
  }

  return (
    <form onSubmit={send}>
      <p className="typing">{typing && `${String(typing.by)} is typing …`}</p>
      <input
        ref={input}
        placeholder="Say something"
        maxLength={2_000}
        onChange={() => signal({ typing: true } satisfies Signal)}
      />
      <button type="submit">Send</button>
    </form>
  )
}
