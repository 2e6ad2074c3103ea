'use client'
import { useInsertionEffect, useState } from 'react'

/** What the last committed render was given, to be asked for in events and effects. */
export interface Latest<Value> {
  get(): Value
  set(value: Value): void
}

/** It is set before any layout or passive effect of a commit runs, and never by a render that React throws away. */
export function useLatest<Value>(value: Value): Latest<Value> {
  const [latest] = useState(() => createLatest(value))
  useInsertionEffect(() => latest.set(value))
  return latest
}

export function createLatest<Value>(first: Value): Latest<Value> {
  let latest = first
  return { get: () => latest, set: (value) => void (latest = value) }
}
