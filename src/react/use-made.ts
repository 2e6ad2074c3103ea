'use client'
import { useState } from 'react'

/**
 * What `make` gave for these, and what puts another one in its place. It is made anew only where one of them is another
 * one: React may forget a memo.
 */
export function useMade<Made>(make: () => Made, of: readonly unknown[]): readonly [Made, (other: Made) => void] {
  const [kept, keep] = useState(() => ({ of, made: make() }))
  let now = kept
  if (of.some((one, at) => one !== kept.of[at])) keep((now = { of, made: make() }))
  return [now.made, (made) => keep({ of, made })]
}
