import type { Meta } from '@storybook/react-vite'
import { createSimulation } from 'livesocket/testing'
import { useCallback } from 'react'
import { expect, waitFor } from 'storybook/test'
import { connectClient } from './kit/client.js'
import { toneOf } from './kit/comparison.js'
import { startFeed } from './kit/feed.js'
import { Badge, Button, Card, Counters, Stage, useReading } from './kit/pieces.js'
import { storyIn, type StoryArgs } from './kit/story.js'
import './tokens.css'

const LIFETIME = 180_000

function createWorld() {
  const sim = createSimulation({ seed: 2, latency: 40, requireToken: true })
  sim.tokens.ttl = LIFETIME
  const feed = startFeed(sim, { every: 250, latency: 40 })
  const client = connectClient(sim, { feed, getToken: sim.getToken })
  let service: 'works' | 'fails' | 'session over' = 'works'
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
      service = 'session over'
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
    <>
      <div
        className="life"
        role="img"
        aria-label={`The token has ${Math.max(0, Math.round((expiresAt - now) / 1_000))} seconds left`}
      >
        <i className="window" />
        <i className="spent" style={{ width: at(now) }} />
        {refreshAt !== null && (
          <i className="due" style={{ left: at(refreshAt) }}>
            <span>next one</span>
          </i>
        )}
      </div>
      <p className="life-scale">
        <span>half of its life</span>
        <span>nine tenths</span>
      </p>
    </>
  )
}

function Tokens({ world, playing }: { world: World } & StoryArgs) {
  const { sim, client } = world
  const seen = useReading(
    useCallback(
      () => ({
        state: client.socket.store.getState(),
        requests: [...sim.tokens.requests],
        service: world.service,
        now: sim.clock.now(),
        legs: client.recorder.legs.length,
        ...client.book!.summary(),
      }),
      [sim, client, world],
    ),
  )
  const { state, requests, service } = seen
  const failed = requests.filter(({ answer }) => answer === 'failed').length
  return (
    <Stage
      title="A token’s life does not depend on the connection."
      lead="It is renewed at a random time between half and nine tenths of its life, whatever the socket does. A crash costs no token, the valid token bridges an outage of the token service, and when the session ends, everything stops."
      sim={sim}
      playing={playing}
      speed={12}
    >
      <div className="actions">
        <Button onClick={world.toggle} disabled={service === 'session over'}>
          {service === 'fails' ? 'Token service up' : 'Token service down'}
        </Button>
        <Button kind="danger" onClick={world.crash}>
          Crash the server
        </Button>
        <Button kind="danger" onClick={world.end} disabled={state.status === 'closed'}>
          End the session
        </Button>
        {state.status === 'closed' && (
          <Button kind="primary" onClick={world.signIn}>
            Sign in again
          </Button>
        )}
        <p className="note">Here tokens live for three minutes, and a minute takes five seconds.</p>
      </div>
      <Card
        title="The token"
        aside={
          <Badge tone={state.token.status === 'valid' ? 'live' : state.token.status === 'ended' ? 'down' : 'wait'}>
            {state.token.status}
          </Badge>
        }
      >
        <Life {...state.token} now={seen.now} />
      </Card>
      <Card
        title="The connection"
        aside={<Badge tone={toneOf(state)}>{state.closed ? `closed: ${state.closed.by}` : state.status}</Badge>}
      >
        <Counters
          wide
          counts={[
            { name: 'Token service', value: service },
            { name: 'Sockets opened', value: seen.legs },
            { name: 'Token requests', value: requests.length },
            { name: 'Failed requests', value: failed, tone: failed > 0 ? 'bad' : undefined },
            { name: 'Messages lost', value: seen.lost, tone: seen.lost > 0 ? 'bad' : 'good' },
          ]}
        />
      </Card>
      <Card title="Every token request">
        <ol className="requests" tabIndex={0} aria-label="Token requests">
          {requests.slice(-12).map(({ at, reason, answer }) => (
            <li key={at} data-answer={answer}>
              <time>{(at / 1_000).toFixed(1)} s</time> <span>{reason}</span>{' '}
              <b>{answer === 'token' ? 'a new token' : answer}</b>
            </li>
          ))}
        </ol>
      </Card>
    </Stage>
  )
}

const meta: Meta<StoryArgs> = { title: 'LiveSocket/Tokens and session end', args: { playing: true } }
export default meta

const show = (world: World, { playing }: StoryArgs) => <Tokens playing={playing} world={world} />

export const Outage = storyIn(createWorld, show, async ({ world: { sim, client }, press }) => {
  await sim.advance(5_000)
  await press('Crash the server')
  await sim.advance(5_000)
  // The valid token was used again.
  await expect(client.socket.store.getState().status).toBe('live')
  await expect(sim.tokens.requests).toHaveLength(1)
  await press('Token service down')
  await sim.advance(120_000)
  await expect(sim.tokens.requests.filter(({ answer }) => answer === 'failed').length).toBeGreaterThan(0)
  await expect(client.socket.store.getState().status).toBe('live')
  await press('Token service up')
  await sim.advance(45_000)
  await expect(client.socket.store.getState()).toMatchObject({ status: 'live', token: { status: 'valid' } })
  // Only the first socket and the one after the crash: the outage of the token service cost none.
  await expect(sim.dials).toHaveLength(2)
  await expect(client.book!.summary().lost).toBe(0)
})

export const SessionEnd = storyIn(createWorld, show, async ({ world: { sim, client }, canvas, press }) => {
  await sim.advance(5_000)
  await press('End the session')
  await sim.advance(LIFETIME)
  await expect(client.socket.store.getState()).toMatchObject({ status: 'closed', closed: { by: 'session-ended' } })
  const asked = sim.tokens.requests.length
  const dials = sim.dials.length
  await sim.advance(2 * LIFETIME)
  // The session has ended: no token is requested, and nothing dials.
  await expect([sim.tokens.requests.length, sim.dials.length]).toEqual([asked, dials])
  await waitFor(() => expect(canvas.getByText('closed: session-ended')).toBeVisible())
})
