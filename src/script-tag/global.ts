// The one file for a <script> tag: these are the names on `livesocket`. Presets are separate modules.
export { LiveSocketError } from '../base/errors.js'
export { createLiveSocket } from '../socket/whole-socket.js'
export { livesocketV1 } from '../topics/livesocket-v1.js'
export { rawProtocol } from '../foreign/raw.js'
export { history } from '../history/history.js'
export { presence } from '../presence/presence.js'
export { bind } from '../vanilla/bind.js'
export { LiveWebSocket } from '../vanilla/live-web-socket.js'
