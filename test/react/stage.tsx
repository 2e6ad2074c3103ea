import { render, type RenderOptions } from '@testing-library/react'
import type { LiveSocketOptions } from 'livesocket'
import { createSimulation, type SimulationOptions } from 'livesocket/testing'
import { StrictMode, type ReactNode } from 'react'
import { act } from '../kit/react-act.js'

/** A simulated world with React in it: time passes within `act`. */
export function createStage(options?: SimulationOptions) {
  const simulation = createSimulation(options)
  const { url, environment } = simulation
  return {
    simulation,
    /** What makes a socket of this world. */
    options: { url, environment } as LiveSocketOptions,
    render: (children: ReactNode, how?: RenderOptions) => render(children, how),
    /** As `render`, in StrictMode: every render, effect and state initialiser runs twice. */
    renderStrictly: (children: ReactNode) => render(children, { wrapper: StrictMode }),
    advance: (ms: number) => act(() => simulation.advance(ms)),
    /** What was on its way arrives; then somebody publishes these to the topic, and they arrive too. */
    publish: (topic: string, ...data: unknown[]) =>
      act(async () => {
        await simulation.advance(50)
        for (const one of data) simulation.publish(topic, one)
        await simulation.advance(50)
      }),
    /** Connections that the servers hold. */
    connections: () => simulation.servers.reduce((sum, server) => sum + server.legs, 0),
    /** Frames of that type that clients sent, as they went over the wire. */
    sent: (type: string) =>
      simulation.wire.flatMap(({ by, text }) => {
        const frame = JSON.parse(text) as { type: string; topics?: unknown }
        return by === 'client' && frame.type === type ? [frame] : []
      }),
  }
}
