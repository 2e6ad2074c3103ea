'use client'
import { useEffect } from 'react'
import type { Gap } from '../topics/gap.js'
import { useLatest } from './latest.js'
import type { SocketOf } from './register.js'

/** Tells the latest `onGap` of the topic's gaps, each before the message that comes after it. */
export function useGaps<Topics extends object>(
  socket: SocketOf<Topics>,
  topic: string | null,
  onGap: ((gap: Gap) => void) | undefined,
): void {
  const latest = useLatest(onGap)
  useEffect(() => {
    if (topic === null) return
    return socket.on('gap', (gap) => {
      if (gap.topic === topic) latest.get()?.(gap)
    })
  }, [socket, topic, latest])
}
