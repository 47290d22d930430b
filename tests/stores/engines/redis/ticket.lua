return {now, record_of(ARGV[5]).epoch}
