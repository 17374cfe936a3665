// Signed in again, in a window of its own: the page that asked for it goes on.
new BroadcastChannel("passavant").postMessage("signed-in");
window.close();
