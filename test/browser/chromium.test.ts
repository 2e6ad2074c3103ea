import { describeBrowser } from './browser-promises.js'

/** Beside handovers.test.ts and page-life.test.ts. */
describeBrowser('chromium', {
  'ten-tabs': 'when several windows are handed over at once, and is live throughout',
  'closed-door': 'when the first dials of a handover are refused, and is live throughout',
  crash: 'when its server dies, and is back within the spread',
  download: 'when a download link is followed, and is live throughout or back within 2 s',
  offline: 'when its network is away and its connections break meanwhile, and is back within 2 s',
})
