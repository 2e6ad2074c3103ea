'use client'
import { useInsertionEffect, useState } from 'react'

/** What was set last: by the last committed render, to be asked for in events and effects. */
export interface Latest<Value> {
  get(): Value
  set(value: Value): void
}

export function createLatest<Value>(first: Value): Latest<Value> {
  let latest = first
  return { get: () => latest, set: (value) => void (latest = value) }
}

/** It is set before any layout or passive effect of a commit runs, and never by a render that React throws away. */
export function useLatest<Value>(value: Value): Latest<Value> {
  const [latest] = useState(() => createLatest(value))
  useInsertionEffect(() => latest.set(value))
  return latest
}

/** The same options, with functions that call what stands in their place among the latest ones. */
export function following<Options extends object>(options: Options, latest: () => Options): Options {
  type Functions = Readonly<Record<string, ((...args: unknown[]) => unknown) | undefined>>
  const followers = Object.entries(options).map(([name, given]: [string, unknown]) => [
    name,
    typeof given === 'function' ? (...args: unknown[]) => (latest() as Functions)[name]?.(...args) : given,
  ])
  return Object.fromEntries(followers) as Options
}
