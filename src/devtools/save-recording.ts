import { platformClock } from '../base/clock.js'
import type { Recording } from './recorder.js'

/** Milliseconds after which every browser has read the file. Safari has not even begun when the click returns. */
const READ = 10_000

/** Makes the browser save the recording as a JSON file. */
export function saveRecording(recording: Recording): void {
  const url = URL.createObjectURL(new Blob([JSON.stringify(recording, null, 2)], { type: 'application/json' }))
  const link = document.createElement('a')
  link.href = url
  link.download = `livesocket-${new Date(recording.began).toISOString().replace(/[:.]/g, '-')}.json`
  link.click()
  platformClock.setTimeout(() => URL.revokeObjectURL(url), READ)
}
