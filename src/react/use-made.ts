'use client'
import { useState } from 'react'

/**
 * The result of `make` for these values. It is made again only when one of them changes, whereas React may forget a
 * memo.
 */
export function useMade<Made>(make: () => Made, of: readonly unknown[]): Made {
  const fresh = () => ({ of, made: make() })
  const [kept, keep] = useState(fresh)
  let now = kept
  if (of.some((one, at) => one !== kept.of[at])) keep((now = fresh()))
  return now.made
}
