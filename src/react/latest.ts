'use client'
import { useInsertionEffect, useMemo, useState } from 'react'

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

/**
 * The functions among these options, as ones that call those of the last committed render. They stay the same, and so
 * does the object, until one is given that was absent before, or is absent.
 */
export function useCallbacks<Options extends object>(options: Options): FunctionsIn<Options> {
  const latest = useLatest(options)
  const names = functionsIn(options).join()
  return useMemo(() => callersOf(names.split(','), latest.get) as FunctionsIn<Options>, [names, latest])
}

export type FunctionsIn<Options> = {
  [Name in keyof Options as NonNullable<Options[Name]> extends (...args: any[]) => unknown
    ? Name
    : never]: Options[Name]
}

/** The names of the functions in an object. */
export function functionsIn(given: object): string[] {
  return Object.keys(given).filter((name) => typeof given[name as never] === 'function')
}

/** For each name a function that calls what stands under it at that moment. */
export function callersOf(names: readonly string[], latest: () => object): object {
  type Functions = Readonly<Record<string, ((...args: unknown[]) => unknown) | undefined>>
  const callers = names.map((name) => [name, (...args: unknown[]) => (latest() as Functions)[name]?.(...args)])
  return Object.fromEntries(callers) as object
}
