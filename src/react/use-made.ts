'use client'
import { useState } from 'react'

/** What `make` gave for these. It is made anew only where one of them is another one: React may forget a memo. */
export function useMade<Made>(make: () => Made, of: readonly unknown[]): Made {
  const fresh = () => ({ of, made: make() })
  const [kept, keep] = useState(fresh)
  let now = kept
  if (of.some((one, at) => one !== kept.of[at])) keep((now = fresh()))
  return now.made
}
