import { render, type RenderOptions } from '@testing-library/react'
import type { LiveSocketOptions } from 'livesocket'
import { createSimulation, type SimulationOptions } from 'livesocket/testing'
import { StrictMode, type ReactNode } from 'react'
import { act } from '../kit/react-act.js'

/** A simulated world with React in it. Time passes within `act`. */
export function createStage(options?: SimulationOptions) {
  const simulation = createSimulation(options)
  const { url, environment } = simulation
  return {
    simulation,
    /** The options for a socket of this world. */
    options: { url, environment } as LiveSocketOptions,
    render: (children: ReactNode, how?: RenderOptions) => render(children, how),
    /** Like `render`, in StrictMode: every render, effect and state initialiser runs twice. */
    renderStrictly: (children: ReactNode) => render(children, { wrapper: StrictMode }),
    advance: (ms: number) => act(() => simulation.advance(ms)),
    /** First lets frames under way arrive; then publishes these to the topic, and lets them arrive too. */
    publish: (topic: string, ...data: unknown[]) =>
      act(async () => {
        await simulation.advance(50)
        for (const one of data) simulation.publish(topic, one)
        await simulation.advance(50)
      }),
    /** How many connections the servers have. */
    connections: () => simulation.servers.reduce((sum, server) => sum + server.legs, 0),
    /** The frames of this type that clients sent. */
    sent: (type: string) =>
      simulation.wire.flatMap(({ by, text }) => {
        const frame = JSON.parse(text) as { type: string; topics?: unknown }
        return by === 'client' && frame.type === type ? [frame] : []
      }),
  }
}
