'use client'
import { useInsertionEffect, useState } from 'react'

/** The value set last, that of the last committed render, for use in events and effects. */
export interface Latest<Value> {
  get(): Value
  set(value: Value): void
}

export function createLatest<Value>(first: Value): Latest<Value> {
  let latest = first
  return { get: () => latest, set: (value) => void (latest = value) }
}

/** The value is set before any layout or passive effect of a commit runs, and never by a render that React discards. */
export function useLatest<Value>(value: Value): () => Value {
  const [latest] = useState(() => createLatest(value))
  useInsertionEffect(() => latest.set(value))
  return latest.get
}

/** The same options, whose functions call the functions of that name among the latest options. */
export function following<Options extends object>(options: Options, latest: () => Options): Options {
  type Functions = Record<string, ((...args: unknown[]) => unknown) | undefined>
  const same = { ...options }
  for (const [name, given] of Object.entries(options))
    if (typeof given === 'function') (same as Functions)[name] = (...args) => (latest() as Functions)[name]?.(...args)
  return same
}
