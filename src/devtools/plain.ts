/** The same devtools without React, for pages that do not use it. */
export { breakable, type BreakableWebSocket, type Connection, type WireEvent } from './breakable.js'
export { mountDevtools, type Devtools, type DevtoolsOptions } from './panel.js'
export {
  createRecorder,
  type Arrival,
  type RecordedEvent,
  type Recorder,
  type RecorderOptions,
  type Recording,
} from './recorder.js'
export type { RecordedLeg } from './leg-history.js'
