/* Moved: client/base/escape.h. */
#include "client/base/escape.h"
