import type { Meta, StoryObj } from '@storybook/react-vite'
import { createSimulation } from 'livesocket/testing'
import { useCallback } from 'react'
import { expect, userEvent, waitFor, within } from 'storybook/test'
import { connectClient } from './kit/client.js'
import { toneOf } from './kit/comparison.js'
import { startFeed } from './kit/feed.js'
import { Badge, Button, Card, Counters, Stage, useReading, type StoryArgs } from './kit/pieces.js'
import './tokens.css'

const LIFETIME = 60_000

function createWorld() {
  const sim = createSimulation({ seed: 2, latency: 40, requireToken: true })
  sim.tokens.ttl = LIFETIME
  const feed = startFeed(sim, { every: 250, latency: 40 })
  const client = connectClient(sim, { feed, getToken: sim.getToken })
  let service: 'works' | 'fails' | 'has ended the session' = 'works'
  return {
    sim,
    client,
    get service() {
      return service
    },
    toggle() {
      service = service === 'fails' ? 'works' : 'fails'
      if (service === 'works') sim.tokens.up()
      else sim.tokens.down()
    },
    crash() {
      sim.crash()
      sim.clock.setTimeout(() => sim.restart(), 500)
    },
    end() {
      service = 'has ended the session'
      sim.tokens.end('signed out on another device')
    },
    signIn() {
      service = 'works'
      sim.tokens.up()
      client.socket.connect()
    },
  }
}
type World = ReturnType<typeof createWorld>

function Life({ refreshAt, expiresAt, now }: { refreshAt: number | null; expiresAt: number | null; now: number }) {
  if (expiresAt === null) return <div className="life" data-empty="" role="img" aria-label="There is no token" />
  const begin = expiresAt - LIFETIME
  const at = (wall: number) => `${Math.max(0, Math.min(100, ((wall - begin) / LIFETIME) * 100))}%`
  return (
    <div className="life" role="img" aria-label={`The token has ${Math.max(0, Math.round((expiresAt - now) / 1_000))} seconds left`}>
      <i className="window" />
      <i className="spent" style={{ width: at(now) }} />
      {refreshAt !== null && (
        <i className="due" style={{ left: at(refreshAt) }}>
          <span>next one</span>
        </i>
      )}
    </div>
  )
}

function Tokens({ world, playing }: { world: World } & StoryArgs) {
  const { sim, client } = world
  const seen = useReading(
    useCallback(
      () => ({ state: client.socket.store.getState(), requests: [...sim.tokens.requests], service: world.service, now: sim.clock.now(), legs: client.recorder.legs.length, ...client.book!.summary() }),
      [sim, client, world],
    ),
  )
  const { state, requests, service } = seen
  const failed = requests.filter(({ answer }) => answer === 'failed').length
  return (
    <Stage
      title="A token has a life of its own."
      lead="It is renewed at a random point between half and nine tenths of its life, whatever the socket does. A crash costs no token, an outage is survived on the one that is still valid, and a session that has ended stops everything, once."
      sim={sim}
      playing={playing}
      speed={4}
    >
      <div className="actions">
        <Button onClick={world.toggle} disabled={service === 'has ended the session'}>
          {service === 'fails' ? 'Token service up' : 'Token service down'}
        </Button>
        <Button onClick={world.crash}>Crash the server</Button>
        <Button kind="danger" onClick={world.end} disabled={state.status === 'closed'}>
          End the session
        </Button>
        {state.status === 'closed' && (
          <Button kind="primary" onClick={world.signIn}>
            Sign in again
          </Button>
        )}
        <p className="note">Tokens live a minute here, and a minute takes 15 seconds.</p>
      </div>
      <Card title="The token" aside={<Badge tone={state.token.status === 'valid' ? 'live' : state.token.status === 'ended' ? 'down' : 'wait'}>{state.token.status}</Badge>}>
        <Life {...state.token} now={seen.now} />
      </Card>
      <Card title="The connection" aside={<Badge tone={toneOf(state)}>{state.closed ? `closed: ${state.closed.by}` : state.status}</Badge>}>
        <Counters
          wide
          counts={[
            { name: 'Token service', value: service },
            { name: 'Sockets opened', value: seen.legs },
            { name: 'Token requests', value: requests.length },
            { name: 'Of them failed', value: failed, tone: failed > 0 ? 'bad' : undefined },
            { name: 'Messages lost', value: seen.lost, tone: seen.lost > 0 ? 'bad' : 'good' },
          ]}
        />
      </Card>
      <Card title="Every token request">
        <ol className="requests" tabIndex={0} aria-label="Token requests">
          {requests.slice(-12).map(({ at, reason, answer }) => (
            <li key={at} data-answer={answer}>
              <time>{(at / 1_000).toFixed(1)} s</time> {reason} <b>{answer}</b>
            </li>
          ))}
        </ol>
      </Card>
    </Stage>
  )
}

const meta: Meta<StoryArgs> = { title: 'LiveSocket/Tokens and session end', args: { playing: true } }
export default meta

const base: Pick<StoryObj<StoryArgs>, 'loaders' | 'render'> = {
  loaders: [() => ({ world: createWorld() })],
  render: ({ playing }, { loaded }) => <Tokens playing={playing} world={loaded['world'] as World} />,
}

export const Outage: StoryObj<StoryArgs> = {
  ...base,
  play: async ({ canvasElement, loaded }) => {
    const { sim, client } = loaded['world'] as World
    const press = (name: string) => userEvent.click(within(canvasElement).getByRole('button', { name }))
    await sim.advance(5_000)
    await press('Crash the server')
    await sim.advance(5_000)
    // The valid token was used again.
    await expect(client.socket.store.getState().status).toBe('live')
    await expect(sim.tokens.requests).toHaveLength(1)
    await press('Token service down')
    await sim.advance(45_000)
    await expect(sim.tokens.requests.filter(({ answer }) => answer === 'failed').length).toBeGreaterThan(0)
    await expect(client.socket.store.getState().status).toBe('live')
    await waitFor(() => expect(within(canvasElement).getByRole('button', { name: 'Token service up' })).toBeVisible())
    await press('Token service up')
    await sim.advance(45_000)
    await expect(client.socket.store.getState()).toMatchObject({ status: 'live', token: { status: 'valid' } })
    await expect(client.book!.summary().lost).toBe(0)
  },
}

export const SessionEnd: StoryObj<StoryArgs> = {
  ...base,
  play: async ({ canvasElement, loaded }) => {
    const { sim, client } = loaded['world'] as World
    await sim.advance(5_000)
    await userEvent.click(within(canvasElement).getByRole('button', { name: 'End the session' }))
    await sim.advance(60_000)
    await expect(client.socket.store.getState()).toMatchObject({ status: 'closed', closed: { by: 'session-ended' } })
    const asked = sim.tokens.requests.length
    const dials = sim.dials.length
    await sim.advance(120_000)
    // It is over: nothing asks, and nothing dials.
    await expect([sim.tokens.requests.length, sim.dials.length]).toEqual([asked, dials])
    await waitFor(() => expect(within(canvasElement).getByText('closed: session-ended')).toBeVisible())
  },
}
