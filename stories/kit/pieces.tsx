import { useEffect, useState, type ButtonHTMLAttributes, type ReactNode } from 'react'
import type { Simulation } from 'livesocket/testing'
import { useReleased } from './release.js'

/** A page with a title that runs a simulation. */
export function Stage({
  title,
  lead,
  sim,
  playing,
  speed = 1,
  children,
}: {
  title: string
  lead: ReactNode
  sim?: Simulation
  playing?: boolean
  speed?: number
  children: ReactNode
}) {
  const released = useReleased(sim)
  useEffect(() => (sim && playing && released ? sim.play(speed) : undefined), [sim, playing, released, speed])
  return (
    <main className="stage">
      <header>
        <h1>{title}</h1>
        <p>{lead}</p>
      </header>
      {children}
    </main>
  )
}

export function Card({ title, aside, children }: { title: string; aside?: ReactNode; children: ReactNode }) {
  return (
    <section className="card" aria-label={title}>
      <div className="title">
        <h2>{title}</h2>
        {aside}
      </div>
      {children}
    </section>
  )
}

export function Button({ kind, ...rest }: ButtonHTMLAttributes<HTMLButtonElement> & { kind?: 'primary' | 'danger' }) {
  return <button type="button" className="button" data-kind={kind} {...rest} />
}

export interface Count {
  readonly name: string
  readonly value: string | number
  readonly tone?: 'good' | 'bad' | undefined
}

export function Counters({ counts, wide }: { counts: readonly Count[]; wide?: boolean }) {
  return (
    <dl className={wide ? 'counters wide' : 'counters'}>
      {counts.map(({ name, value, tone }) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd data-tone={tone} data-count={name}>
            {typeof value === 'number' ? value.toLocaleString('en') : value}
          </dd>
        </div>
      ))}
    </dl>
  )
}

export type Tone = 'connecting' | 'live' | 'handover' | 'wait' | 'down' | 'idle'

export function Badge({ tone, children }: { tone: Tone; children: ReactNode }) {
  return (
    <span className="badge" data-tone={tone}>
      {children}
    </span>
  )
}

/** Reads a value from outside React, such as a simulation's counters, and renders it every `every` ms. */
export function useReading<Value>(read: () => Value, every = 100): Value {
  const [value, setValue] = useState(read)
  useEffect(() => {
    const timer = setInterval(() => setValue(read()), every)
    return () => clearInterval(timer)
  }, [read, every])
  return value
}

export function Legend({ loss = true, messages = true }: { loss?: boolean; messages?: boolean }) {
  return (
    <ul className="legend" aria-label="How to read the timelines">
      <li>
        <i className="dialling" />
        dialling
      </li>
      <li>
        <i className="active" />
        active leg
      </li>
      <li>
        <i className="other" />
        the other leg
      </li>
      {messages && (
        <>
          <li>
            <i className="dot" />
            delivered
          </li>
          <li>
            <i className="number">9</i>several at once
          </li>
          <li>
            <i className="double" />
            came twice, dropped
          </li>
        </>
      )}
      {messages && loss && (
        <li>
          <i className="lost" />
          sent and never received
        </li>
      )}
    </ul>
  )
}
