return {now, record_of(arg(1)).epoch}
