/* What follows by itself; without this script there are links and buttons for it. */
'use strict';
