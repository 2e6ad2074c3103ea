import { describeBrowser } from './browser-promises.js'

describeBrowser('firefox', {
  moves: 'when it is handed over three times under load, and is live throughout',
  'ten-tabs': 'when several tabs are handed over at once, and is live throughout',
  'hung-dial': 'when the first dial of a handover is never answered, and is live throughout',
  'closed-door': 'when the first dials of a handover are refused, and is live throughout',
  mute: 'when its path goes mute, and is live throughout',
  crash: 'when its server dies, and is back within the spread',
  download: 'when a download link is followed, for which Firefox closes every socket with 1001, and is back within 2 s',
  'back-and-forward': 'when the user leaves the page and comes back, although Firefox caches no page with a socket',
  hidden: 'when it is hidden and handed over meanwhile, and is live throughout',
})
