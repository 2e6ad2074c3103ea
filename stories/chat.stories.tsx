import type { Meta } from '@storybook/react-vite'
import { createLiveSocket, type LiveSocket } from 'livesocket'
import { LiveSocketProvider, useLiveLog, usePublish } from 'livesocket/react'
import { createSimulation } from 'livesocket/testing'
import { useCallback, useEffect, useId, useRef, useState, type FormEvent } from 'react'
import { expect, userEvent, waitFor } from 'storybook/test'
import { Button, Card, Counters, Stage, useReading } from './kit/pieces.js'
import { StatusBadge } from './kit/status-badge.js'
import { storyIn, type StoryArgs } from './kit/story.js'
import './chat.css'

interface Line {
  /** A key that the writer chooses: it connects a waiting line with the same line in the log. */
  readonly key: string
  readonly from: 'you' | 'Mira'
  readonly text: string
}

const ANSWERS = [
  'Seen.',
  'Still here, by the way.',
  'Was that a deploy just now? I saw nothing.',
  'Nice.',
  'All of it arrived, in order.',
]

function createWorld() {
  const sim = createSimulation({ seed: 12, latency: 120 })
  const connect = (environment: typeof sim.environment) => {
    const socket = createLiveSocket<{ chat: Line }>({ url: sim.url, environment, reconnect: { spread: 800 } })
    socket.connect()
    return socket
  }
  const socket = connect(sim.environment)
  const mira = connect(sim.device().environment)
  let answers = 0
  mira.subscribe('chat', ({ from }) => {
    if (from !== 'you') return
    sim.clock.setTimeout(
      () =>
        void mira.publish('chat', { key: `mira-${answers}`, from: 'Mira', text: ANSWERS[answers++ % ANSWERS.length]! }),
      900,
    )
  })
  return {
    sim,
    socket,
    deploy: () => void sim.deploy({ deadline: 2_000 }),
    crash() {
      sim.crash()
      sim.clock.setTimeout(() => sim.restart(), 1_500)
    },
    tunnel() {
      sim.offline()
      sim.clock.setTimeout(() => sim.online(), 3_000)
    },
  }
}
type World = ReturnType<typeof createWorld>

function Chat() {
  const log = useLiveLog<'chat', { chat: Line }>('chat', { limit: 50 })
  const { publish } = usePublish<'chat', { chat: Line }>('chat')
  const [own, setOwn] = useState<readonly { line: Line; failed: string | null }[]>([])
  const [text, setText] = useState('')
  const id = useId()
  const there = new Set(log.map(({ data }) => data.key))
  const room = useRef<HTMLDivElement>(null)
  useEffect(() => {
    if (room.current) room.current.scrollTop = room.current.scrollHeight
  }, [log.length, own.length])

  function send(event: FormEvent) {
    event.preventDefault()
    if (text.trim() === '') return
    const line: Line = { key: crypto.randomUUID(), from: 'you', text: text.trim() }
    setOwn((before) => [...before.filter(({ line: { key } }) => !there.has(key)), { line, failed: null }])
    setText('')
    publish(line).catch((error: Error & { code?: string }) =>
      setOwn((before) =>
        before.map((one) => (one.line.key === line.key ? { ...one, failed: error.code ?? 'failed' } : one)),
      ),
    )
  }

  return (
    <>
      <div ref={room} className="chat" role="log" aria-label="Chat" tabIndex={0}>
        <ol>
          {log.map(({ offset, data }) => (
            <li key={data.key} className={data.from === 'you' ? 'own' : undefined}>
              <p>{data.text}</p>
              <small>
                {data.from}, in the log at {offset}
              </small>
            </li>
          ))}
          {own
            .filter(({ line }) => !there.has(line.key))
            .map(({ line, failed }) => (
              <li key={line.key} className="own" data-waiting={failed === null || undefined}>
                <p>{line.text}</p>
                <small>
                  {failed === null
                    ? 'sending…'
                    : failed === 'outcome-unknown'
                      ? 'it may or may not have arrived'
                      : 'not sent'}
                </small>
              </li>
            ))}
        </ol>
      </div>
      <form className="actions" onSubmit={send}>
        <label className="visually-hidden" htmlFor={id}>
          Message
        </label>
        <input
          id={id}
          className="field"
          value={text}
          onChange={(event) => setText(event.target.value)}
          placeholder="Write something"
          autoComplete="off"
        />
        <Button type="submit" kind="primary">
          Send
        </Button>
      </form>
    </>
  )
}

function ChatStory({ world, playing }: { world: World } & StoryArgs) {
  const { sim, socket } = world
  const seen = useReading(
    useCallback(
      () => ({ state: socket.store.getState(), published: sim.published.filter(({ topic }) => topic === 'chat') }),
      [socket, sim],
    ),
  )
  const twice = seen.published.length - new Set(seen.published.map(({ data }) => (data as Line).key)).size
  return (
    <Stage
      title="Sent once, whatever happens to the server."
      lead="A line appears on the page at once, and in the log when the server has answered. If a deploy, a crash or a tunnel interrupts it, it is sent again under the same id and applied only once."
      sim={sim}
      playing={playing}
    >
      <div className="actions">
        <Button onClick={world.deploy}>Deploy</Button>
        <Button onClick={world.tunnel}>Tunnel, 3 s</Button>
        <Button kind="danger" onClick={world.crash}>
          Crash the server
        </Button>
      </div>
      <LiveSocketProvider socket={socket as unknown as LiveSocket}>
        <Card title="Room" aside={<StatusBadge patience={300} now={sim.clock.now} />}>
          <Counters
            wide
            counts={[
              { name: 'In the log', value: seen.published.length },
              { name: 'In the log twice', value: twice, tone: twice > 0 ? 'bad' : 'good' },
              { name: 'Unanswered', value: seen.state.outbox.messages },
            ]}
          />
          <Chat />
        </Card>
      </LiveSocketProvider>
    </Stage>
  )
}

const meta: Meta<StoryArgs> = { title: 'React/Chat with optimistic publish', args: { playing: true } }
export default meta

export const OptimisticChat = storyIn(
  createWorld,
  (world, { playing }) => <ChatStory playing={playing} world={world} />,
  async ({ world: { sim, socket }, canvas, press }) => {
    const say = async (text: string) => {
      await userEvent.type(canvas.getByLabelText('Message'), `${text}{Enter}`)
      await waitFor(() => expect(canvas.getByText(text)).toBeVisible())
    }
    await sim.advance(1_500)
    await say('Deploying now.')
    await press('Deploy')
    await say('This one is on its way in the middle of it.')
    await sim.advance(3_000)
    await press('Crash the server')
    await say('And this one has no server at all.')
    await sim.advance(9_000)

    const lines = sim.published
      .filter(({ topic, data }) => topic === 'chat' && (data as Line).from === 'you')
      .map(({ data }) => (data as Line).text)
    await expect(lines).toEqual([
      'Deploying now.',
      'This one is on its way in the middle of it.',
      'And this one has no server at all.',
    ])
    await waitFor(() => expect(canvas.queryByText('sending…')).toBeNull())
    await expect(canvas.getAllByText(/^you, in the log/)).toHaveLength(3)
    await expect(socket.store.getState().outbox.messages).toBe(0)
  },
)
