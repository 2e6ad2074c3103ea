import { describeBrowser } from './browser-promises.js'

describeBrowser('webkit', {
  moves: 'when it is handed over three times under load, and is live throughout',
  'ten-tabs': 'when several windows are handed over at once, and is live throughout',
  'hung-dial': 'when the first dial of a handover is never answered, and is live throughout',
  mute: 'when its path goes mute, and is live throughout',
  crash: 'when its server dies, and is back within the spread',
  download: 'when a download link is followed, and is live throughout or back within 2 s',
  'back-and-forward': 'when it enters the back/forward cache and comes back, and is live within 2 s',
  hidden: 'when it is hidden and handed over meanwhile, and is live throughout',
})
