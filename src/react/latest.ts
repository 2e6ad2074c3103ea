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
export function useLatest<Value>(value: Value): () => Value {
  const [latest] = useState(() => createLatest(value))
  useInsertionEffect(() => latest.set(value))
  return latest.get
}

/** The same options, with functions that call what stands in their place among the latest ones. */
export function following<Options extends object>(options: Options, latest: () => Options): Options {
  type Functions = Record<string, ((...args: unknown[]) => unknown) | undefined>
  const same = { ...options }
  for (const [name, given] of Object.entries(options))
    if (typeof given === 'function') (same as Functions)[name] = (...args) => (latest() as Functions)[name]?.(...args)
  return same
}
